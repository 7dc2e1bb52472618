import { describe, expect, it } from 'vitest';
import { lintLostCharacters } from '../../src/lint/lost-characters.ts';
import { policyConfig } from '../policy-fixture.ts';

function warnings(closing: string | undefined, message: string): readonly string[] {
  const rules = [{ name: 'no-uploads', action: 'deny', message } as const];
  const policy = { ...policyConfig(rules), ...(closing !== undefined && { message: closing }) };
  return lintLostCharacters(policy).map((problem) => `${problem.path.join('.')}: ${problem.message}`);
}

describe('lintLostCharacters', () => {
  it('shows what the status line makes of a message in letters that it has not got', () => {
    expect(warnings('Спроси в #egress.', 'Uploads 🙂 go to {host}.')).toEqual([
      'policy.message: the status line is in ASCII, where this reads "?????? ? #egress.", and most programs show nothing else; ' +
        'write it in letters of ASCII',
      'policy.rules.0.message: the status line is in ASCII, where this reads "Uploads ? go to {host}.", and most programs show ' +
        'nothing else; write it in letters of ASCII',
    ]);
    expect(warnings(undefined, '問'.repeat(100))).toEqual([expect.stringContaining(`"${'?'.repeat(60)}..."`)]);
  });

  it.each(['Ça va à l’évêché – “ł→ß”', 'Really? ？', 'caf\u0065\u0301'])('says nothing of %s', (message) => {
    expect(warnings(message, message)).toEqual([]);
  });
});
