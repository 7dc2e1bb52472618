/** One family answers, the other is late or fails: nothing is final, and nothing of it is kept for long. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Answer } from '../src/answer.ts';
import { Resolver, type DnsSettings } from '../src/resolver.ts';
import { ip } from '../../addresses/test/literal.ts';
import { record, startNameServer, type FakeNameServer, type Script } from './fake-name-server.ts';

const CLIENT = 'client';
const CACHE = { entries: 100, min_ttl: 1000, max_ttl: 300_000, negative_ttl: 5000, stale_if_error: Infinity };
const AAAA = '2001:db8::1';
const A = '192.0.2.1';

let fake: FakeNameServer;
let subject: Resolver;

afterEach(async () => {
  subject.close();
  await fake.stop();
});

describe('half an answer', () => {
  it('comes before the rest, and is in no cache', async () => {
    const gate = openGate();
    await open(({ type }) => (type === 'AAAA' ? GOOD.AAAA : gate.opened.then(() => GOOD.A)));
    const half = await subject.resolve('half.example', CLIENT).done;
    expect(half).toMatchObject({ addresses: [{ text: AAAA }], rest: { missing: 'A', isUnderWay: true } });
    expect(subject.peek('half.example')).toBeUndefined();
    // Whoever comes now has the same half at once.
    expect(await subject.resolve('half.example', 'other').done).toBe(half);
    const rest = restOf(half).ask(CLIENT);
    gate.open();
    expect(texts(await rest.done)).toEqual([AAAA, A]);
    expect(subject.peek('half.example')).toEqual({ kind: 'addresses', addresses: [ip(AAAA), ip(A)] });
    expect(fake.questions()).toHaveLength(2);
  });

  it.each([
    { title: 'fails', failing: { rcode: 'SERVFAIL' } },
    { title: 'is silent', failing: undefined },
  ] as const)('is kept for negative_ttl alone where the rest $title', async ({ failing }) => {
    await open(({ type }) => (type === 'AAAA' ? GOOD.AAAA : failing), { negative_ttl: 0, min_ttl: 0 });
    const half = await subject.resolve('half.example', CLIENT).done;
    const { rest } = half.kind === 'addresses' ? half : {};
    if (rest?.isUnderWay) await rest.ask(CLIENT).done;
    // With a negative_ttl of nothing, the TTL of 300 seconds counts for nothing.
    expect(subject.peek('half.example')).toBeUndefined();
  });

  it('has what failed asked again, also while it is kept', async () => {
    await open(({ type }) => (type === 'AAAA' ? GOOD.AAAA : { rcode: 'SERVFAIL' }));
    await subject.resolve('half.example', CLIENT).done;
    const kept = subject.peek('half.example');
    expect(kept).toMatchObject({ addresses: [{ text: AAAA }], rest: { missing: 'A', isUnderWay: false } });
    fake.script = ({ type }) => GOOD[type === 'A' ? 'A' : 'AAAA'];
    expect(texts(await restOf(kept).ask(CLIENT).done)).toEqual([AAAA, A]);
    expect(subject.peek('half.example')).toMatchObject({ addresses: [{ text: AAAA }, { text: A }] });
  });

  it('is whole where the other family has no address', async () => {
    await open(({ type }) => (type === 'AAAA' ? GOOD.AAAA : {}));
    expect(await subject.resolve('whole.example', CLIENT).done).toEqual({ kind: 'addresses', addresses: [ip(AAAA)] });
  });

  it('denies no name an address before the rest is in', async () => {
    const gate = openGate();
    await open(({ type }) => (type === 'AAAA' ? GOOD.AAAA : gate.opened.then(() => GOOD.A)));
    const confirmed = subject.confirm('half.example', ip(A), CLIENT);
    await subject.resolve('half.example', CLIENT).done;
    gate.open();
    expect(await confirmed.done).toEqual({ kind: 'confirmed' });
  });

  it('cannot tell of an address whose family is not to be had', async () => {
    await open(({ type }) => (type === 'AAAA' ? GOOD.AAAA : { rcode: 'SERVFAIL' }));
    expect(await subject.confirm('half.example', ip(A), CLIENT).done).toMatchObject({ kind: 'failed', reason: 'dns' });
    expect(await subject.confirm('half.example', ip('2001:db8::9'), CLIENT).done).toEqual({ kind: 'denied' });
  });
});

const GOOD = {
  AAAA: { answers: [record('AAAA', 'half.example', AAAA, 300)] },
  A: { answers: [record('A', 'half.example', A, 300)] },
};

async function open(script: Script, cache: Partial<DnsSettings['cache']> = {}): Promise<void> {
  fake = await startNameServer(script);
  const settings = { hosts: {}, family: 'auto', cache: { ...CACHE, ...cache }, timeout: 1000 } as const;
  subject = new Resolver({ servers: [fake.address], ...settings });
}

function openGate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}

function restOf(answer: Answer | undefined) {
  if (answer?.kind !== 'addresses' || !answer.rest) throw new Error('the answer is whole');
  return answer.rest;
}

function texts(answer: Answer): string[] {
  return answer.kind === 'addresses' ? answer.addresses.map(({ text }) => text) : [];
}
