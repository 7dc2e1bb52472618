/** The command line of the attack. */
import { parseArgs } from 'node:util';

export interface AttackOptions {
  readonly engines: readonly ('native' | 'portable')[];
  /** For all cases on all engines together. */
  readonly minutes: number;
  readonly heapMiB: number;
  /** Only cases whose name holds this. */
  readonly only: string;
  readonly seed: number;
}

const usage = `usage: npm run attack -- [--minutes T] [--engine native|portable] [--only NAME] [--heap-mib N] [--seed N]

  --minutes T    for all cases together, up to 120 (30)
  --engine NAME  only this one (both)
  --only NAME    only the cases whose name holds NAME
  --heap-mib N   V8's limit for the heap of the proxy (512)
  --seed N       of the random cases

Ends with 1 when a case did not hold: the proxy ended, the p99 of honest clients was 50 ms or more, one of them failed, a forbidden
origin was reached, or more than a tenth more memory was in use after it than before.
`;

/** Reads the arguments; ends the process after `--help`. */
export function readAttackOptions(args: readonly string[]): AttackOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: {
      minutes: { type: 'string', default: '30' },
      engine: { type: 'string' },
      only: { type: 'string', default: '' },
      'heap-mib': { type: 'string', default: '512' },
      seed: { type: 'string', default: '20261128' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { engine, only } = values;
  if (engine !== undefined && engine !== 'native' && engine !== 'portable') {
    throw new Error('--engine wants native or portable');
  }
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 120)) throw new Error('--minutes wants a number up to 120');
  return {
    engines: engine === undefined ? ['native', 'portable'] : [engine],
    minutes,
    heapMiB: wholeNumber('heap-mib', values['heap-mib']),
    only,
    seed: wholeNumber('seed', values.seed),
  };
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} wants a whole number`);
  return number;
}
