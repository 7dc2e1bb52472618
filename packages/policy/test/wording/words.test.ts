import { describe, expect, it } from 'vitest';
import type { PolicyConfig, RuleConfig } from '@sallyport/config';
import { decide } from '../../src/rules/decide.ts';
import { type RefusalWords, wordAddressRefusal, wordDenial } from '../../src/wording/words.ts';
import { ip } from '../../../addresses/test/literal.ts';
import { destination, policyOf } from '../policy-fixture.ts';

const RULES: readonly RuleConfig[] = [
  { name: 'no-ads', action: 'deny', hosts: ['ads.example'] },
  { name: 'uploads', action: 'deny', hosts: ['up.example'], message: 'Not {host}:{port} for {client} ({rule}, {id})!' },
  { name: 'web', action: 'allow', hosts: ['www.example', '10.example'] },
  { name: 'lab', action: 'allow', hosts: ['lab.example'], message: 'The lab is closed' },
];
const INSIDER = '10.0.0.9';
const OUTSIDER = '203.0.113.7';

const askedOf = (host: string, client: string, rest: Partial<PolicyConfig>) => {
  const policy = policyOf(RULES, rest);
  const request = { client: ip(client), listener: 'explicit', destination: destination(host) };
  return [policy, { request, decision: decide(policy, request), id: '7f3a' }] as const;
};

const denial = (host: string, client = INSIDER, rest: Partial<PolicyConfig> = {}): RefusalWords =>
  wordDenial(...askedOf(host, client, rest));

const addressRefusal = (host: string, client = INSIDER, rest: Partial<PolicyConfig> = {}): RefusalWords =>
  wordAddressRefusal(...askedOf(host, client, rest), { sentence: 'It may not be dialled', detail: 'It is 10.1.2.3' });

describe('wordDenial', () => {
  it.each([
    ['nope.test', 'No rule allows nope.test:443.', 'default'],
    ['ads.example', 'The rule no-ads denies ads.example:443.', 'no-ads'],
    [
      'api.www.example',
      'No rule allows api.www.example:443: api.www.example is not allowed; www.example is.',
      'default',
    ],
    ['[2606:4700::1]', 'No rule allows [2606:4700::1]:443.', 'default'],
  ])('tells those in hints and the log all about %s', (host, sentence, rule) => {
    expect(denial(host)).toEqual({ sentence, detail: sentence, isVerbatim: false, rule });
  });

  it.each([
    ['a rule', 'ads.example', 'The rule no-ads denies ads.example:443.'],
    [
      'a near miss',
      'api.www.example',
      'No rule allows api.www.example:443: api.www.example is not allowed; www.example is.',
    ],
  ])('tells others nothing of %s', (_, host, detail) => {
    const sentence = `No rule allows ${host}:443.`;
    expect(denial(host, OUTSIDER)).toEqual({ sentence, detail, isVerbatim: false });
    expect(denial(host, INSIDER, { hints: [] })).toEqual({ sentence, detail, isVerbatim: false });
    expect(denial(host, OUTSIDER, { hints: ['any'] }).sentence).toBe(detail);
  });

  it('says what the rule says in place of all that, to everybody', () => {
    const sentence = 'Not up.example:443 for 10.0.0.9 (uploads, 7f3a)!';
    expect(denial('up.example')).toEqual({ sentence, detail: sentence, isVerbatim: true, rule: 'uploads' });
    expect(denial('up.example', OUTSIDER).sentence).toBe('Not up.example:443 for 203.0.113.7 (uploads, 7f3a)!');
  });

  it('closes with what the policy says', () => {
    const message = 'Ask for {host} in #egress';
    expect(denial('nope.test', INSIDER, { message })).toEqual({
      sentence: 'No rule allows nope.test:443. Ask for nope.test in #egress',
      detail: 'No rule allows nope.test:443. Ask for nope.test in #egress',
      isVerbatim: true,
      rule: 'default',
      remedy: 'Ask for nope.test in #egress',
    });
    expect(denial('up.example', OUTSIDER, { message }).sentence).toBe(
      'Not up.example:443 for 203.0.113.7 (uploads, 7f3a)! Ask for up.example in #egress',
    );
  });
});

describe('wordAddressRefusal', () => {
  it.each([INSIDER, OUTSIDER])('tells %s no address of a name', (client) => {
    const { sentence, detail } = addressRefusal('www.example', client);
    expect({ sentence, detail }).toEqual({ sentence: 'It may not be dialled.', detail: 'It is 10.1.2.3.' });
  });

  it('tells those in hints what is wrong with the address that they named themselves', () => {
    expect(addressRefusal('8.8.8.8').sentence).toBe('It is 10.1.2.3.');
    expect(addressRefusal('8.8.8.8', OUTSIDER).sentence).toBe('It may not be dialled.');
  });

  it('says what the rule says that allowed it, and closes with what the policy says', () => {
    expect(addressRefusal('lab.example').sentence).toBe('The lab is closed');
    expect(addressRefusal('lab.example', OUTSIDER, { message: 'Ask.' }).detail).toBe('The lab is closed. Ask.');
    expect(addressRefusal('www.example', OUTSIDER, { message: 'Ask.' }).sentence).toBe('It may not be dialled. Ask.');
  });

  it('does not say what a rule says that would have denied it', () => {
    expect(addressRefusal('up.example', INSIDER, { report_only: true }).detail).toBe('It is 10.1.2.3.');
  });
});
