/** Lines of a response policy zone, as name servers load them (draft-vixie-dnsop-dns-rpz; master files: RFC 1035 §5.1). */
import type { ListLine } from './list-line.ts';

const TYPES = /^(?:CNAME|SOA|NS|TXT|A|AAAA)$/i;

/** True for a line that can be nothing else: a directive, or a record whose type stands where a master file has it. */
export function isZoneLine(text: string): boolean {
  return DIRECTIVE.test(text) || RECORD.test(text);
}

const DIRECTIVE = /^(?:\$(?:TTL|ORIGIN|INCLUDE)\s|@\s)/i;

/** `a` is a word, too, so an address has to follow it. */
const RECORD =
  /^\S+\s+(?:(?:[0-9][0-9smhdw]*|IN)\s+)*(?:(?:CNAME|SOA|NS|TXT)\s|(?:A|AAAA)\s+(?=[0-9a-f]*[.:])[0-9a-f.:]+(?:\s|$))/i;

/** Reads the lines of one zone in order: the owner, the origin and an open parenthesis carry over to the next line. */
export function createZoneReader(): (line: string) => ListLine {
  const names = new ZoneNames();
  let owner = '';
  let isOpen = false;
  return (line) => {
    const text = line.split(';', 1)[0] ?? '';
    const wasOpen = isOpen;
    if (text.includes('(')) isOpen = true;
    if (text.includes(')')) isOpen = false;
    const words = text.trim().split(/\s+/).filter(Boolean);
    if (wasOpen || words.length === 0) return [];
    if (words[0]?.toUpperCase() === '$ORIGIN') names.changeOrigin(words[1] ?? '');
    if (words[0]?.startsWith('$')) {
      return words[0].toUpperCase() === '$INCLUDE' ? { problem: 'includes another file; name that one' } : [];
    }
    if (!/^\s/.test(text)) owner = words.shift() ?? '';
    const type = words.findIndex((word) => TYPES.test(word));
    if (type < 0) return { problem: 'has no record type; a response policy zone lists names as "name CNAME ."' };
    return readRecord(owner, words.slice(type), names);
  };
}

function readRecord(owner: string, [type = '', target = '']: readonly string[], names: ZoneNames): ListLine {
  if (/^SOA$/i.test(type)) names.begins(owner);
  if (/^(?:SOA|NS)$/i.test(type)) return [];
  const name = names.listedBy(owner);
  if (name === '') return [];
  if (name === undefined)
    return { problem: 'is not below the name of the zone; begin the file with $ORIGIN and that name' };
  if (/\.rpz-(?:ip|client-ip|nsip|nsdname)(?:\.|$)/i.test(name)) {
    return { problem: 'is about addresses or name servers; list addresses in networks' };
  }
  const passing = /^CNAME$/i.test(type) ? whyPassing(name, target.toLowerCase()) : undefined;
  if (passing !== undefined) return { problem: `lets a name pass (${passing}); write another rule for it` };
  // No such name, no data, no answer, or a changed answer: all of them list the name.
  return [name];
}

function whyPassing(name: string, target: string): string | undefined {
  if (target === 'rpz-passthru.' || target === 'rpz-tcp-only.') return target.slice(0, -1);
  // The first form of it, which servers still take.
  return target === `${name.toLowerCase().replace(/\.$/, '')}.` ? 'a CNAME of itself' : undefined;
}

/** What the owners of a zone stand for: the name of the zone is not part of the name that is listed. */
class ZoneNames {
  /** With a dot at its end. Empty: the zone itself, whose name the file does not say. */
  #origin = '';
  /** The same. Undefined before the first record. */
  #zone: string | undefined;

  changeOrigin(name: string): void {
    this.#origin = this.#inFull(name).toLowerCase();
  }

  /** @param owner of the SOA */
  begins(owner: string): void {
    this.#zone ??= this.#inFull(owner).toLowerCase();
  }

  /** Empty for the zone itself; undefined where the name cannot be told. */
  listedBy(owner: string): string | undefined {
    this.#zone ??= this.#origin;
    const zone = this.#zone;
    const name = this.#inFull(owner);
    if (name.toLowerCase() === zone) return '';
    const isRelative = !name.endsWith('.');
    if (isRelative || zone === '.') return name;
    if (zone !== '' && name.toLowerCase().endsWith(`.${zone}`)) return name.slice(0, -zone.length - 1);
    return owner.endsWith('.') ? name : undefined;
  }

  /** A name without a dot at its end is relative to the origin. */
  #inFull(name: string): string {
    if (name === '@') return this.#origin;
    if (name.endsWith('.') || this.#origin === '') return name;
    return this.#origin === '.' ? `${name}.` : `${name}.${this.#origin}`;
  }
}
