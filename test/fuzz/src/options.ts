/** The command line of the fuzzer. */
import { parseArgs } from 'node:util';
import { isTargetName, TARGET_NAMES, type TargetName } from './targets/names.ts';

export interface Options {
  readonly kind: 'run';
  /** For all targets together. */
  readonly seconds: number;
  readonly seed: number;
  readonly target: TargetName | undefined;
  /** One input to run instead of many. */
  readonly replay: Uint8Array | undefined;
}

export const HELP = `npm run fuzz -- [options]
  --seconds N    how long, over all targets (60)
  --seed N       where chance begins (the time of day); the same seed makes the same inputs
  --target NAME  one target only: ${TARGET_NAMES.join(', ')}
  --replay HEX   one input only, with --target
`;

type Wrong = { readonly kind: 'wrong'; readonly why: string };

export function readOptions(args: readonly string[]): Options | { readonly kind: 'help' } | Wrong {
  const parsed = parse(args);
  if ('kind' in parsed) return parsed;
  const { values } = parsed;
  const [seconds, seed] = [Number(values.seconds), Number(values.seed)];
  const { target, replay } = values;
  if (values.help) return { kind: 'help' };
  if (!(seconds > 0)) return { kind: 'wrong', why: '--seconds is not a number above 0' };
  if (!Number.isSafeInteger(seed)) return { kind: 'wrong', why: '--seed is not a whole number' };
  if (target !== undefined && !isTargetName(target)) return { kind: 'wrong', why: `there is no target ${target}` };
  if (replay !== undefined && target === undefined) return { kind: 'wrong', why: '--replay needs --target' };
  return {
    kind: 'run',
    seconds,
    seed,
    target,
    replay: replay === undefined ? undefined : Buffer.from(replay, 'hex'),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: args.filter((arg) => arg !== '--'), // pnpm passes it on.
      options: {
        help: { type: 'boolean' },
        seconds: { type: 'string', default: '60' },
        seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
        target: { type: 'string' },
        replay: { type: 'string' },
      },
    });
  } catch (cause) {
    return { kind: 'wrong', why: (cause as Error).message } satisfies Wrong;
  }
}
