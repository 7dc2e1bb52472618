/** Live doors decide random requests as the function behind `explain` and `tests` says, word for word. */
import { parseIp } from '@sallyport/addresses';
import { compilePolicy, decide, parseDestination, wordDenial } from '@sallyport/policy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { configText } from './harness/config-text.ts';
import { helloFor } from './harness/hello.ts';
import { openClient } from './harness/peers.ts';
import { CLOSED_PORT, CLOSED_PORTS } from './harness/ports.ts';
import { type Running, startSallyport } from './harness/sallyport.ts';

type PolicyConfig = Parameters<typeof compilePolicy>[0];
type Policy = ReturnType<typeof compilePolicy>['policy'];
type RuleConfig = PolicyConfig['rules'][number];

const NAMES = ['a.test', 'b.a.test', 'c.test', 'www.c.test'];
const PATTERNS = [...NAMES, '*.test', '*.a.test', '*'];
const CLIENTS = ['127.0.0.1', '127.0.0.2'];
/** `npm run agree` draws many more. */
const ROUNDS = Number(process.env['SALLYPORT_AGREE_POLICIES'] ?? 8);
const REQUESTS_EACH = 25;

let proxy: Running;

beforeAll(async () => {
  proxy = await startSallyport(yamlOf([], false));
});

afterAll(async () => {
  await proxy.stop();
});

describe('the doors', () => {
  it.each(Array.from({ length: ROUNDS }, (_, round) => round + 1))(
    'decide as explain does, round %i',
    async (round) => {
      const random = randomNumbers(round);
      const rules = Array.from({ length: 1 + random(5) }, (_, number) => anyRule(random, number));
      const isDoorOnTrial = random(3) === 0;
      expect(await proxy.reload(yamlOf(rules, isDoorOnTrial))).toMatchObject({ msg: 'reloaded' });
      const listeners = [{ name: 'transparent', report_only: isDoorOnTrial }];
      const { policy } = compilePolicy(policyOf(rules), undefined, { listeners });

      const asked = Array.from({ length: REQUESTS_EACH }, () => {
        const listener = pick(random, ['explicit', 'transparent']);
        const port = listener === 'explicit' ? pick(random, CLOSED_PORTS) : CLOSED_PORT;
        return { listener, port, host: pick(random, NAMES), client: pick(random, CLIENTS) };
      });
      await Promise.all(asked.map((one) => holdAgainst(policy, one)));
    },
  );
});

interface Asked {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly client: string;
}

/** Asks a door, and the policy. */
async function holdAgainst(policy: Policy, { listener, host, port, client }: Asked): Promise<void> {
  const before = proxy.lines.length;
  const asking = await openClient(proxy.port(listener), '127.0.0.1', client);
  const from = asking.socket.localPort;
  asking.socket.write(listener === 'explicit' ? `CONNECT ${host}:${port} HTTP/1.1\r\n\r\n` : helloFor(host));
  const heard = (await asking.ended()).bytes.toString('latin1');
  asking.socket.destroy();
  const line = await proxy.line({ msg: 'tunnel', listener, host, client, client_port: from }, before);

  const request = { client: ipOf(client), listener, destination: destinationOf(host, port) };
  const decision = decide(policy, request);
  expect(line).toMatchObject({ decision: decision.decision, rule: decision.rule, port });
  expect(line['would_deny']).toBe(decision.wouldDeny);
  expect(line['reason']).toBe(decision.decision === 'deny' ? 'policy' : 'refused');
  if (decision.decision !== 'deny') return;
  const words = wordDenial(policy, { request, decision, id: String(line['id']) });
  expect(line['detail']).toBe(words.detail);
  // An operator's own words keep their full stop.
  const told = words.isVerbatim ? words.sentence : words.sentence.replace(/\.$/, '');
  if (listener === 'explicit') expect(heard).toContain(`403 Forbidden (${told})\r\n`);
}

type Random = (below: number) => number;

/** The same numbers for the same seed (mulberry32). */
function randomNumbers(seed: number): Random {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function pick<Item>(random: Random, items: readonly Item[]): Item {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error('there is nothing to pick from');
  return item;
}

function anyRule(random: Random, number: number): RuleConfig {
  const action = pick(random, ['allow', 'allow', 'deny'] as const);
  const port = pick(random, CLOSED_PORTS);
  return {
    name: `rule ${number}`,
    action,
    ...(random(2) === 0 && { hosts: [pick(random, PATTERNS), pick(random, PATTERNS)] }),
    ...(random(3) === 0 && { ports: [{ from: port, to: port }] }),
    ...(random(3) === 0 && { clients: [`${pick(random, CLIENTS)}/32`] }),
    ...(random(3) === 0 && { listeners: [pick(random, ['explicit', 'transparent'])] }),
    ...(action === 'deny' && random(3) === 0 && { report_only: true }),
    ...(action === 'deny' && random(3) === 0 && { message: '{host} is closed to {client} ({rule}, {id}).' }),
  };
}

/** Clients of 127.0.0.2 are told the bare sentence. */
function policyOf(rules: readonly RuleConfig[]): PolicyConfig {
  const destinations = { deny: ['special'], allow: ['loopback'] };
  return { report_only: false, default: 'deny', hints: ['127.0.0.1/32'], rules, destinations };
}

function yamlOf(rules: readonly RuleConfig[], isDoorOnTrial: boolean): string {
  const written = rules.map((rule) => ({ ...rule, ...(rule.ports && { ports: rule.ports.map(({ from }) => from) }) }));
  return configText({
    transparent: [`port: ${CLOSED_PORT}`, `report_only: ${isDoorOnTrial}`],
    hosts: Object.fromEntries(NAMES.map((name) => [name, ['127.0.0.1']])),
    policy: `policy: ${JSON.stringify({ ...policyOf(rules), rules: written })}`,
  });
}

function ipOf(text: string): NonNullable<ReturnType<typeof parseIp>> {
  const ip = parseIp(text);
  if (!ip) throw new Error(`${text} is no address`);
  return ip;
}

function destinationOf(host: string, port: number) {
  const destination = parseDestination(host, port);
  if (destination.kind === 'malformed') throw new Error(destination.why);
  return destination;
}
