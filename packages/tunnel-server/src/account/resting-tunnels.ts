/**
 * The facts of tunnels that are up, in some 150 bytes each. A busy proxy holds thousands of tunnels, most of them idle, and needs none of
 * their facts before they end: so they are written down here in columns, by the tunnel's number, and read back once.
 */
import type { TunnelNumber } from '@sallyport/tunnel-splice';
import type { HelloFacts } from '../hello-facts.ts';
import type { Decision } from '../policy/policy.ts';
import type { RecordedDoor, TunnelFacts } from './tunnel-facts.ts';

/** What a hello says beside the name: many tunnels have it in common. */
type HelloKind = Omit<HelloFacts, 'sni'>;

const TUNNELS_PER_PAGE = 1024;
/** Number, openedAt, upAt, resolveMs, connectMs; NaN for what is not known. */
const TIMES = 5;
/** Ports of client, destination, upstream and original; status; a place in the limits. */
const SMALLS = 6;
/** Between texts. None has one in it: they are names, literals and sentences of ours. */
const SEPARATOR = '\0';
/** In place of a server_name that is the destination's host. */
const SAME_AS_HOST = '=';
/** Clients choose what they offer: past so many kinds, each further hello keeps its own. */
const HELLO_KINDS = 1_000;

interface Page {
  readonly times: Float64Array;
  readonly smalls: Uint16Array;
}

export class RestingTunnels {
  readonly #pages: Page[] = [];
  readonly #texts: (string | undefined)[] = [];
  readonly #doors: (RecordedDoor | undefined)[] = [];
  readonly #decisions: (Decision | undefined)[] = [];
  readonly #hellos: (HelloKind | undefined)[] = [];
  readonly #helloKinds = new Map<string, HelloKind>();
  #count = 0;

  get count(): number {
    return this.#count;
  }

  put(tunnel: TunnelNumber, facts: TunnelFacts): void {
    const { destination, upstream, original, hello } = facts;
    const { times, smalls } = this.#pageOf(tunnel);
    const time = TIMES * (tunnel % TUNNELS_PER_PAGE);
    times[time] = facts.number;
    times[time + 1] = facts.openedAt;
    times[time + 2] = facts.upAt ?? NaN;
    times[time + 3] = facts.resolveMs ?? NaN;
    times[time + 4] = facts.connectMs ?? NaN;
    const small = SMALLS * (tunnel % TUNNELS_PER_PAGE);
    smalls[small] = facts.client.port;
    smalls[small + 1] = destination?.port ?? 0;
    smalls[small + 2] = upstream?.port ?? 0;
    smalls[small + 3] = original?.port ?? 0;
    smalls[small + 4] = facts.status ?? 0;
    smalls[small + 5] = facts.hasPlace ? 1 : 0;
    const sni = hello?.sni !== undefined && hello.sni === destination?.host ? SAME_AS_HOST : hello?.sni;
    // A string that is joined from an array is one piece of memory; a sum of strings would keep them all.
    this.#texts[tunnel] = [
      facts.client.host,
      destination?.host,
      upstream?.host,
      original?.host,
      sni,
      facts.user,
      facts.remark,
    ].join(SEPARATOR);
    this.#doors[tunnel] = facts.door;
    this.#decisions[tunnel] = facts.decision;
    this.#hellos[tunnel] = hello && this.#kindOf(hello);
    this.#count += 1;
  }

  /** Undefined where there is no such tunnel. */
  doorOf(tunnel: TunnelNumber): RecordedDoor | undefined {
    return this.#doors[tunnel];
  }

  /** The numbers of all of them. */
  *numbers(): Iterable<TunnelNumber> {
    for (const [tunnel, door] of this.#doors.entries()) if (door) yield tunnel;
  }

  read(tunnel: TunnelNumber): TunnelFacts | undefined {
    const door = this.#doors[tunnel];
    const text = this.#texts[tunnel];
    if (door === undefined || text === undefined) return undefined;
    const { times, smalls } = this.#pageOf(tunnel);
    const time = TIMES * (tunnel % TUNNELS_PER_PAGE);
    const small = SMALLS * (tunnel % TUNNELS_PER_PAGE);
    const [client = '', destination = '', upstream = '', original = '', sni = '', user = '', remark = ''] =
      text.split(SEPARATOR);
    const kind = this.#hellos[tunnel];
    return {
      door,
      number: times[time] ?? NaN,
      openedAt: times[time + 1] ?? NaN,
      upAt: known(times[time + 2]),
      resolveMs: known(times[time + 3]),
      connectMs: known(times[time + 4]),
      client: { host: client, port: smalls[small] ?? 0 },
      destination: pointAt(destination, smalls[small + 1]),
      upstream: pointAt(upstream, smalls[small + 2]),
      original: pointAt(original, smalls[small + 3]),
      status: smalls[small + 4] === 0 ? undefined : smalls[small + 4],
      hasPlace: smalls[small + 5] === 1,
      hasDialled: true,
      decision: this.#decisions[tunnel],
      hello: kind && {
        tls: kind.tls,
        ech: kind.ech,
        alpn: kind.alpn,
        sni: sni === SAME_AS_HOST ? destination : textOf(sni),
      },
      user: textOf(user),
      remark: textOf(remark),
    };
  }

  /** The facts of a tunnel that has ended, for good. */
  take(tunnel: TunnelNumber): TunnelFacts | undefined {
    const facts = this.read(tunnel);
    if (facts === undefined) return undefined;
    this.#count -= 1;
    for (const column of [this.#texts, this.#doors, this.#decisions, this.#hellos]) column[tunnel] = undefined;
    return facts;
  }

  #pageOf(tunnel: TunnelNumber): Page {
    const page = Math.floor(tunnel / TUNNELS_PER_PAGE);
    return (this.#pages[page] ??= {
      times: new Float64Array(TIMES * TUNNELS_PER_PAGE),
      smalls: new Uint16Array(SMALLS * TUNNELS_PER_PAGE),
    });
  }

  #kindOf({ tls, ech, alpn }: HelloFacts): HelloKind {
    const key = `${tls} ${ech ? 'ech' : ''} ${alpn.length === 0 ? '' : JSON.stringify(alpn)}`;
    const known = this.#helloKinds.get(key);
    if (known !== undefined) return known;
    const kind = { tls, ech, alpn };
    if (this.#helloKinds.size < HELLO_KINDS) this.#helloKinds.set(key, kind);
    return kind;
  }
}

function known(value: number | undefined): number | undefined {
  return value === undefined || Number.isNaN(value) ? undefined : value;
}

function textOf(text: string): string | undefined {
  return text === '' ? undefined : text;
}

function pointAt(host: string, port = 0): { host: string; port: number } | undefined {
  return host === '' ? undefined : { host, port };
}
