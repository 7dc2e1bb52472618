import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '@sallyport/telemetry';
import { Denials } from '../../src/account/denials.ts';
import type { TunnelFacts } from '../../src/account/tunnel-facts.ts';

const metrics = createMetrics({ version: '0', engine: 'portable', binary: 'none' }).forListener('explicit');

function facts(host: string, decision: TunnelFacts['decision'] = { rule: 'default', decision: 'deny' }): TunnelFacts {
  const unknown = { user: undefined, hello: undefined, original: undefined, egress: undefined, upstream: undefined };
  const untimed = { resolveMs: undefined, connectMs: undefined, upAt: undefined, status: undefined, remark: undefined };
  return {
    ...unknown,
    ...untimed,
    number: 1,
    door: { name: 'explicit', mode: 'connect', metrics },
    client: { host: '10.0.0.7', port: 1 },
    openedAt: 0,
    hasPlace: true,
    destination: { host, port: 443 },
    helloPlace: -1,
    decision,
    hasDialled: false,
  };
}

describe('denials', () => {
  it('are those for what was asked, not for who asks', () => {
    const denials = new Denials();
    denials.refused(facts('a.test'), 'policy');
    denials.refused(facts('b.test'), 'auth');
    denials.refused(facts('c.test'), 'client_limit');
    expect(denials.top('deny', 10)).toMatchObject([{ host: 'a.test', port: 443, rule: 'default', reason: 'policy' }]);
    expect(denials.top('report', 10)).toEqual([]);
  });

  it('that report_only let pass are counted by the rule that would have denied', () => {
    const denials = new Denials();
    denials.reported(facts('a.test', { rule: 'builds', decision: 'allow', wouldDeny: 'trial' }), 'trial');
    expect(denials.top('deny', 10)).toEqual([]);
    expect(denials.top('report', 10)).toMatchObject([{ host: 'a.test', rule: 'trial', count: 1 }]);
  });

  it('take less than 5 MiB, whatever clients ask for', () => {
    setFlagsFromString('--expose-gc');
    const denials = new Denials();
    const measure = (): number => {
      runInNewContext('gc()');
      return process.memoryUsage().heapUsed;
    };
    const before = measure();
    for (let number = 0; number < 20_000; number++) {
      // The longest name there is, cut out of what a client sent.
      const sent = `CONNECT ${`${number}.`.padEnd(253, 'x')}:443 HTTP/1.1\r\n${'X-Filler: y\r\n'.repeat(100)}`;
      const asked = facts(sent.slice(8, 261), { rule: 'r'.repeat(63), decision: 'deny' });
      denials.refused(asked, 'policy');
      denials.reported(asked, 'w'.repeat(63));
    }
    expect(measure() - before).toBeLessThan(5 * 1024 * 1024);
    expect(denials.top('deny', 5_000)).toHaveLength(1_000);
  });
});
