import { describe, expect, it } from 'vitest';
import { hostLines } from '../../src/rules/host-list.ts';

describe('hostLines', () => {
  it.each([
    ['an empty list', '', []],
    ['blank lines and comments', '\n  \n# all of it\n\t# and this\n', []],
    ['one line without an end', 'a.example', ['1:1 a.example']],
    ['LF', 'a.example\nb.example\n', ['1:1 a.example', '2:1 b.example']],
    ['CR LF', 'a.example\r\n\r\nb.example\r\n', ['1:1 a.example', '3:1 b.example']],
    ['blanks round a pattern', '  a.example\t\n', ['1:3 a.example']],
    ['a comment behind a pattern', 'a.example # why\nb.example#why\n', ['1:1 a.example', '2:1 b.example']],
    ['two words on a line', 'a.example b.example\n', ['1:1 a.example b.example']],
  ])('reads %s', (_, list, lines) => {
    expect([...hostLines(list)].map(({ number, column, text }) => `${number}:${column} ${text}`)).toEqual(lines);
  });
});

function patterns(list: string): readonly string[] {
  return [...hostLines(list)].map(({ number, text, problem }) => `${number} ${problem ?? text}`);
}

describe('hostLines of a hosts file', () => {
  it('takes the names, whatever the address, and leaves out what the file says of the machine', () => {
    const list =
      '# ads\n127.0.0.1 localhost\n::1 ip6-localhost\n0.0.0.0 0.0.0.0\n0.0.0.0 ads.example  more.example # both\n';
    expect(patterns(list)).toEqual(['5 ads.example', '5 more.example']);
  });

  it('knows addresses of both families, and zones', () => {
    expect(patterns('fe80::1%lo0 localhost\n::1\tads.example')).toEqual(['2 ads.example']);
  });

  it.each(['a', 'aaaa', 'cname', 'ns', 'soa', 'txt'])('takes the alias %s for no record of a zone', (alias) => {
    expect(patterns(`10.0.0.1 ${alias} more.example\n::1 other.example ${alias}\n`)).toEqual([
      `1 ${alias}`,
      '1 more.example',
      '2 other.example',
      `2 ${alias}`,
    ]);
  });
});

describe('hostLines of an ad blocker list', () => {
  it('takes the name and all below it', () => {
    expect(patterns('[Adblock Plus 2.0]\n! title\n||ads.example^\n||more.example\n')).toEqual([
      '3 ads.example',
      '3 *.ads.example',
      '4 more.example',
      '4 *.more.example',
    ]);
  });

  it.each([
    ['||ads.example^$third-party', 'is more than ||name^; only whole domains are understood'],
    ['||ads.example/path^', 'is more than ||name^; only whole domains are understood'],
    ['||ads.*^', 'is more than ||name^; only whole domains are understood'],
    ['@@||good.example^', 'is an exception, and a list of hosts has none; write another rule'],
  ])('does not guess at %s', (line, problem) => {
    expect(patterns(`||ads.example^\n${line}\n`)).toEqual(['1 ads.example', '1 *.ads.example', `2 ${problem}`]);
  });
});

const ZONE = `$TTL 300
@ IN SOA localhost. root.localhost. (
  2026112801 ; serial
  3600 600 86400 300 )
  IN NS localhost.
; blocked
bad.example          CNAME .
*.bad.example   60 IN CNAME .
quiet.example        CNAME *.
walled.example       CNAME garden.example.
sink.example         A 0.0.0.0
`;

describe('hostLines of a response policy zone', () => {
  it('takes the owners, and nothing of what the zone says of itself', () => {
    expect(patterns(ZONE)).toEqual([
      '7 bad.example',
      '8 *.bad.example',
      '9 quiet.example',
      '10 walled.example',
      '11 sink.example',
    ]);
  });

  it('takes the zone off owners that are written in full', () => {
    expect(patterns('$ORIGIN rpz.example.\nbad.example.rpz.example. CNAME .\nother.example. CNAME .\n')).toEqual([
      '2 bad.example',
      '3 other.example.',
    ]);
  });

  it('reads a zone as BIND writes those that it was sent, with one $ORIGIN after the other', () => {
    const dump = `$ORIGIN .
$TTL 3600\t; 1 hour
rpz.example\t\tIN SOA\tlocalhost. root.localhost. (
\t\t\t\t1 ; serial
\t\t\t\t)
\t\t\tNS\tlocalhost.
$ORIGIN com.RPZ.example.
bad\t\t\tCNAME\t.
$ORIGIN bad.com.rpz.example.
*\t\t\tCNAME\t.
$ORIGIN example.rpz.example.
@\t\t\tCNAME\t.
deep.quiet\t\tCNAME\t*.
$ORIGIN below
a\t\t\tA\t0.0.0.0
`;
    expect(patterns(dump)).toEqual([
      '8 bad.com',
      '10 *.bad.com',
      '12 example',
      '13 deep.quiet.example',
      '15 a.below.example',
    ]);
  });

  it('guesses no name where it is not said what the zone is called', () => {
    const problem = 'is not below the name of the zone; begin the file with $ORIGIN and that name';
    expect(patterns(`${ZONE}$ORIGIN com.rpz.example.\nbad CNAME .\n* CNAME .\n`).slice(-2)).toEqual([
      `13 ${problem}`,
      `14 ${problem}`,
    ]);
  });

  it.each([
    ['good.example CNAME rpz-passthru.', 'lets a name pass (rpz-passthru); write another rule for it'],
    ['good.example CNAME Good.example.', 'lets a name pass (a CNAME of itself); write another rule for it'],
    ['*.good.example CNAME *.good.example.', 'lets a name pass (a CNAME of itself); write another rule for it'],
    ['good.example CNAME rpz-tcp-only.', 'lets a name pass (rpz-tcp-only); write another rule for it'],
    ['32.1.2.0.192.rpz-ip CNAME .', 'is about addresses or name servers; list addresses in networks'],
    ['$INCLUDE other.zone', 'includes another file; name that one'],
  ])('does not guess at %s', (line, problem) => {
    expect(patterns(`$TTL 300\n${line}\n`)).toEqual([`2 ${problem}`]);
  });
});

describe('hostLines of prose', () => {
  it.each(['not a host', 'this is a list of hosts'])('takes %j for no record of a zone', (line) => {
    expect(patterns(`${line}\nbad.example\n`)).toEqual([`1 ${line}`, '2 bad.example']);
  });
});

describe('hostLines of a mixture', () => {
  it('reads names, lines of a hosts file and of an ad blocker in any order', () => {
    const list =
      '; mine\n! and others\nb.example # why\n0.0.0.0 c.example d.example\n||e.example^\n*.f.example\n::1 localhost\n; end\ng.example\n';
    expect(patterns(list)).toEqual([
      '3 b.example',
      '4 c.example',
      '4 d.example',
      '5 e.example',
      '5 *.e.example',
      '6 *.f.example',
      '9 g.example',
    ]);
  });

  it('takes what an ad blocker hides on a page for no comment behind its name', () => {
    const list = '||a.example^\nb.example##.ad\nc.example#@#.ad\nd.example # why\n#e.example\n';
    expect(patterns(list)).toEqual([
      '1 a.example',
      '1 *.a.example',
      '2 b.example##.ad',
      '3 c.example#@#.ad',
      '4 d.example',
    ]);
  });

  it.each([
    ['a.example\nb.example CNAME .\n', '2 is a line of a response policy zone in a list of names; split the file'],
    ['0.0.0.0 a.example\n$TTL 300\n', '2 is a line of a response policy zone in a hosts file; split the file'],
    ['$TTL 300\nb.example\n', '2 is a line of a list of names in a response policy zone; split the file'],
    ['$TTL 300\n||b.example^\n', '2 is a line of an ad blocker list in a response policy zone; split the file'],
  ])('tells the line of %j that does not belong, for a zone is a file of its own', (list, problem) => {
    expect(patterns(list).at(-1)).toBe(problem);
  });
});
