/** How an address can be spelled so that a guard and a dialler might read it differently. */
import { Random } from '../../fuzz/src/random.ts';
import { readAsDialled } from '../../fuzz/src/readings.ts';

/** Spellings of loopback, of private addresses and of the metadata service, known from incidents and from peers' suites. */
export const KNOWN_SPELLINGS = [
  ...[
    '127.0.0.1',
    '127.0.0.1.',
    '127.1',
    '127.0.1',
    '0x7f.1',
    '0x7f000001',
    '0X7F.0.0.1',
    '2130706433',
    '017700000001',
  ],
  ...[
    '0177.0.0.1',
    '0177.0.0.01',
    '127.0.0.01',
    '127.0.0.001',
    '0',
    '0.0.0.0',
    '00000000000',
    '0x0',
    '127.1.',
    '127.1..',
  ],
  ...[
    '10.1',
    '0xa9fea9fe',
    '169.254.43518',
    '2852039166',
    '169.254.169.254',
    '192.168.257',
    '3232235777',
    '100.64.0.1',
  ],
  ...[
    '127.0.0.1\0.example',
    '127.0.0.1 ',
    '127。0。0。1',
    '①②⑦.⓪.⓪.①',
    '１２７.０.０.１',
    '127.0.0.1%00',
    '%31%32%37.1',
  ],
  ...['localhost', 'LOCALHOST.', 'a.localhost', 'localhost.localdomain', '4294967297', '127.0.0.256', '0x7f.0x1.', '1'],
];

export const KNOWN_IPV6_SPELLINGS = [
  ...['[::1]', '[0:0:0:0:0:0:0:1]', '[::1%lo]', '[::1%25lo]', '[::]', '[::127.0.0.1]', '[::7f00:1]', '[0000::0001]'],
  ...['[::ffff:127.0.0.1]', '[::FFFF:7F00:1]', '[0:0:0:0:0:ffff:127.0.0.1]', '[::ffff:0:127.0.0.1]', '[::ffff:127.1]'],
  ...['[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2002:7f00:0001::1]'],
  ...['[2001:0:4136:e378:8000:63bf:80ff:fffe]', '[fe80::5efe:127.0.0.1]', '[2606:4700::5efe:7f00:1]', '[fe80::1]'],
  ...['[fec0::1]', '[fc00::1]', '[fd12:3456::1]', '[ff02::1]', '[2001:db8::1]', '[::ffff:a9fe:a9fe]', '[100::1]'],
];

/** Different spellings, each of a special address or of what is none: nothing that could be dialled in good faith. */
export function generateSpellings(count: number, seed: number): readonly string[] {
  const random = new Random(seed);
  const spellings = new Set<string>();
  while (spellings.size < count) {
    const exact = random.chance(0.6) ? spellIpv4(random) : spellIpv6(random);
    const spelling = random.chance(0.35) ? misspell(exact, random) : exact;
    const address = readAsDialled(spelling);
    if (address === undefined || isSurelySpecial(address)) spellings.add(spelling);
  }
  return [...spellings];
}

/** IPv4 networks that no public destination is in. */
const SPECIAL_IPV4 = [
  ...[[0x00000000, 8], [0x0a000000, 8], [0x64400000, 10], [0x7f000000, 8], [0xa9fe0000, 16], [0xac100000, 12]],
  ...[[0xc0a80000, 16], [0xe0000000, 3]],
] as const; // prettier-ignore

/** True where the address is one that `special` must hold, by a reading of its own that is coarser than the product's. */
function isSurelySpecial(address: bigint): boolean {
  const low = Number(address & 0xffff_ffffn);
  const high96 = address >> 32n;
  const holdsIpv4 = high96 === 0xffffn || high96 === 0x0064_ff9b_0000_0000_0000_0000n;
  if (holdsIpv4) return SPECIAL_IPV4.some(([base, bits]) => low >>> (32 - bits) === base >>> (32 - bits));
  const group = Number(address >> 112n);
  if (high96 === 0n || high96 === 0xffff_0000n) return true; // ::, ::1, IPv4-compatible, IPv4-translated
  return group === 0x2002 || (group & 0xfe00) === 0xfc00 || (group & 0xff80) === 0xfe80 || group >= 0xff00;
}

const BASES: readonly [number, ...number[]] = [0x7f000001, 0x0a010203, 0xa9fea9fe, 0xc0a80001, 0x00000000, 0x64400001];

/** One to four parts, the last of which fills what is left, each in a base of its own. */
function spellIpv4(random: Random): string {
  const address = random.chance(0.5) ? random.pick(BASES) : (0x7f000000 + random.below(2 ** 24)) >>> 0;
  const parts = random.pick([1, 2, 3, 4]);
  const octets = Array.from({ length: parts - 1 }, (_, index) => (address >>> (24 - 8 * index)) & 255);
  const rest = address % 256 ** (5 - parts);
  const spelled = [...octets, rest].map((part) => spellNumber(part, random)).join('.');
  return random.chance(0.1) ? `${spelled}.` : spelled;
}

function spellNumber(value: number, random: Random): string {
  const zeros = '0'.repeat(random.chance(0.3) ? random.below(6) : 0);
  return random.pick([
    String(value),
    String(value),
    `0${zeros}${value.toString(8)}`,
    `0x${zeros}${value.toString(16)}`,
    `0X${zeros}${value.toString(16).toUpperCase()}`,
  ]);
}

const FORMS: readonly [string, ...string[]] = [
  ...(['::ffff:', '::', '64:ff9b::', '::ffff:0:', '64:ff9b:1::', 'fe80::5efe:', '0:0:0:0:0:ffff:', '::FFFF:'] as const),
];

function spellIpv6(random: Random): string {
  const address = random.pick(BASES);
  const [high, low] = [address >>> 16, address & 0xffff].map((group) => spellGroup(group, random));
  const dotted = [24, 16, 8, 0].map((shift) => (address >>> shift) & 255).join('.');
  const tail = random.chance(0.5) ? dotted : `${high}:${low}`;
  const text = random.chance(0.15) ? `2002:${high}:${low}::` : random.pick(FORMS) + tail;
  return `[${text}${random.chance(0.1) ? random.pick(['%lo', '%25lo', '%1']) : ''}]`;
}

function spellGroup(group: number, random: Random): string {
  const hex = group.toString(16).padStart(random.chance(0.3) ? 4 : 1, '0');
  return random.chance(0.3) ? hex.toUpperCase() : hex;
}

const STRAYS = '0123456789abcdefxX.:[]%-_';

/** One character more, less, or other. */
function misspell(text: string, random: Random): string {
  const at = random.below(text.length + 1);
  const stray = STRAYS[random.below(STRAYS.length)] ?? '.';
  const removed = random.below(2);
  return text.slice(0, at) + (random.chance(0.7) ? stray : '') + text.slice(at + removed);
}
