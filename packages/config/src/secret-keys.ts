/** Which keys take secrets. */
import type { ConfigPath } from './problems.ts';

/** A step that may be any key, or any position in a list. */
const ANY = '*';

const SECRETS: readonly ConfigPath[] = [
  ['egress', ANY, 'username'],
  ['egress', ANY, 'password'],
  ['limits', 'store', 'redis'],
  ['log', 'otlp', 'headers', ANY],
];

/** Whether the value at a path may be a secret, or hold one. */
export function isSecret(path: ConfigPath): boolean {
  return SECRETS.some(
    (steps) => steps.length === path.length && steps.every((step, at) => step === ANY || step === path[at]),
  );
}
