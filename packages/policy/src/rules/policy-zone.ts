/** Lines of a response policy zone, as name servers load them (draft-vixie-dnsop-dns-rpz; master files: RFC 1035 §5.1). */
import type { ListLine } from './list-line.ts';

const TYPES = /^(?:CNAME|SOA|NS|TXT|A|AAAA)$/i;

/** Reads the lines of one zone in order: the owner, the origin and an open parenthesis carry over to the next line. */
export function createZoneReader(): (line: string) => ListLine {
  let origin = '';
  let owner = '';
  let isOpen = false;
  return (line) => {
    const text = line.split(';', 1)[0] ?? '';
    const wasOpen = isOpen;
    if (text.includes('(')) isOpen = true;
    if (text.includes(')')) isOpen = false;
    const words = text.trim().split(/\s+/).filter(Boolean);
    if (wasOpen || words.length === 0) return [];
    if (words[0]?.toUpperCase() === '$ORIGIN') origin = (words[1] ?? '').toLowerCase();
    if (words[0]?.startsWith('$')) {
      return words[0].toUpperCase() === '$INCLUDE' ? { problem: 'includes another file; name that one' } : [];
    }
    if (!/^\s/.test(text)) owner = words.shift() ?? '';
    const type = words.findIndex((word) => TYPES.test(word));
    if (type < 0) return { problem: 'has no record type; a response policy zone lists names as "name CNAME ."' };
    if (words[type]?.toUpperCase() === 'SOA' && owner !== '@' && origin === '') origin = owner.toLowerCase();
    return readRecord(owner, origin, words.slice(type));
  };
}

function readRecord(owner: string, origin: string, [type = '', target = '']: readonly string[]): ListLine {
  if (owner === '@' || owner.toLowerCase() === origin || /^(?:SOA|NS)$/i.test(type)) return [];
  if (/\.rpz-(?:ip|client-ip|nsip|nsdname)(?:\.|$)/i.test(owner)) {
    return { problem: 'is about addresses or name servers; list addresses in networks' };
  }
  if (target.toLowerCase() === 'rpz-passthru.') {
    return { problem: 'lets a name pass (rpz-passthru); write another rule for it' };
  }
  // No such name, no data, no answer, or a changed answer: all of them list the name.
  return [nameOf(owner, origin)];
}

/** A name without a dot at its end is relative to the zone, whose name is not part of it. */
function nameOf(owner: string, origin: string): string {
  if (!owner.endsWith('.')) return owner;
  const isInZone = origin !== '' && origin !== '.' && owner.toLowerCase().endsWith(`.${origin}`);
  return isInZone ? owner.slice(0, -origin.length - 1) : owner;
}
