/** Policies and requests of every kind, for what must hold whatever the policy. */
import fc from 'fast-check';
import type { RuleConfig } from '@sallyport/config';
import type { PolicyRequest } from '../src/rules/policy.ts';
import { ip } from '../../addresses/test/literal.ts';
import { destination, HOSTS_FILES } from './policy-fixture.ts';

const LABELS = ['a', 'b', 'c'];
const NETWORKS = ['10.0.0.0/8', '10.1.0.0/16', '8.8.8.8/32', 'any', 'special', '::/0', '2606:4700::/32'];
const ADDRESSES = [
  '10.0.0.1',
  '10.1.0.1',
  '8.8.8.8',
  '1.1.1.1',
  '2606:4700::1',
  '64:ff9b::a01:1',
  '2606:4700::5efe:808:808',
];

function anyName(): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...LABELS), { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
}

/** A rule of any conditions, few enough that requests meet them. */
export function anyRule(): fc.Arbitrary<RuleConfig> {
  const pattern = fc.oneof(
    anyName(),
    anyName().map((name) => `*.${name}`),
    fc.constant('*'),
  );
  const networks = fc.array(fc.constantFrom(...NETWORKS), { maxLength: 2 });
  const port = fc.constantFrom({ from: 443, to: 443 }, { from: 1, to: 500 }, { from: 8000, to: 8999 });
  return fc.record(
    {
      action: fc.constantFrom('allow' as const, 'deny' as const),
      clients: networks,
      users: fc.array(fc.constantFrom('ci', 'ops'), { maxLength: 2 }),
      listeners: fc.array(fc.constantFrom('explicit', 'transparent'), { maxLength: 2 }),
      hosts: fc.array(pattern, { maxLength: 4 }),
      hosts_file: fc.constantFrom(...Object.keys(HOSTS_FILES)),
      networks,
      ports: fc.array(port, { maxLength: 2 }),
    },
    { requiredKeys: ['action'] },
  );
}

/** A request that such rules may match. */
export function anyRequest(): fc.Arbitrary<PolicyRequest> {
  const literal = fc.constantFrom(...ADDRESSES).map((text) => (text.includes(':') ? `[${text}]` : text));
  return fc.record({
    client: fc.constantFrom(...ADDRESSES).map(ip),
    listener: fc.constantFrom('explicit', 'transparent'),
    user: fc.constantFrom(undefined, 'ci', 'ops'),
    destination: fc
      .tuple(fc.oneof(anyName(), literal), fc.constantFrom(443, 80, 8500))
      .map(([host, port]) => destination(host, port)),
  });
}
