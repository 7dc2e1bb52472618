import type { PolicyConfig } from '@sallyport/config';
import { describe, expect, it } from 'vitest';
import { lintLongMessages } from '../../src/lint/long-messages.ts';
import { policyConfig } from '../policy-fixture.ts';

function warnings(message: string | undefined, rules: PolicyConfig['rules'] = []): readonly string[] {
  const policy = { ...policyConfig(rules), ...(message !== undefined && { message }) };
  return lintLongMessages(policy).map((problem) => `${problem.path.join('.')}: ${problem.message}`);
}

const deny = (message: string): PolicyConfig['rules'][number] => ({ name: 'no-uploads', action: 'deny', message });

describe('lintLongMessages', () => {
  it('says nothing of messages that fit, filled in', () => {
    expect(warnings('Ask in #egress.', [deny('Uploads go through the artefact store, not {host}.')])).toEqual([]);
    expect(warnings(undefined, [deny('x'.repeat(175))])).toEqual([]);
    // An accent of its own is left out of the status line.
    expect(warnings(undefined, [deny('e\u0301'.repeat(175))])).toEqual([]);
  });

  it.each([
    ['a rule by itself', undefined, 'x'.repeat(176), /^policy\.rules\.0\.message: .* about 176 bytes/],
    ['characters that become several', undefined, '→'.repeat(88), /about 176 bytes/],
    ['placeholders', undefined, '{host} {host} {host} {host} {host} {host}', /with its placeholders filled in/],
    ['both together', 'y'.repeat(100), 'x'.repeat(100), /^policy\.rules\.0\.message: together with policy\.message/],
  ])('warns of %s', (_, closing, message, expected) => {
    expect(warnings(closing, [deny(message)])).toEqual([expect.stringMatching(expected)]);
  });

  it('warns of a closing that does not fit behind the sentence of the default', () => {
    expect(warnings('z'.repeat(150))).toEqual([expect.stringMatching(/^policy\.message: behind .*; shorten it$/)]);
  });
});
