/** The command line of the soak. */
import { parseArgs } from 'node:util';

export interface SoakOptions {
  /** Short ones, through both doors together. */
  readonly tunnels: number;
  /** Held at once, through both doors together. */
  readonly idle: number;
  readonly minutes: number;
  /** How long the mixed part lasts, in minutes. */
  readonly mixed: number;
  readonly engine: 'native' | 'portable';
  /** How much PSS may grow once the proxy is warm. */
  readonly growBytes: number;
}

const usage = `usage: npm run soak -- [--tunnels N] [--idle N] [--minutes T] [--mixed T] [--engine native|portable] [--grow-mib N]

  --tunnels N    short tunnels, half of them through each door (1000000)
  --idle N       tunnels that are held while nothing happens in them, half of them through each door (9000);
                 the proxy needs two descriptors for each: see ulimit -Hn
  --minutes T    how long they are held, up to 1200 (10)
  --mixed T      minutes of mixed traffic, slow clients, refusals, reloads and faults, up to 1200 (30)
  --engine NAME  of Sallyport (native)
  --grow-mib N   PSS may grow so much once the proxy is warm (48)

Ends with 1 when descriptors, live tunnels or PSS do not return to where they were, or a tunnel fails.
`;

/** Reads the arguments; ends the process after `--help`. */
export function readSoakOptions(args: readonly string[]): SoakOptions {
  const { values } = parseArgs({
    args: args.filter((argument) => argument !== '--'),
    options: {
      tunnels: { type: 'string', default: '1000000' },
      idle: { type: 'string', default: '9000' },
      minutes: { type: 'string', default: '10' },
      mixed: { type: 'string', default: '30' },
      engine: { type: 'string', default: 'native' },
      'grow-mib': { type: 'string', default: '48' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const { engine } = values;
  if (engine !== 'native' && engine !== 'portable') throw new Error('--engine wants native or portable');
  return {
    tunnels: wholeNumber('tunnels', values.tunnels),
    idle: wholeNumber('idle', values.idle),
    minutes: minutesOf('minutes', values.minutes),
    mixed: minutesOf('mixed', values.mixed),
    engine,
    growBytes: wholeNumber('grow-mib', values['grow-mib']) * 2 ** 20,
  };
}

/** Below the day after which every proxy of the benchmark ends an idle tunnel. */
function minutesOf(name: string, text: string): number {
  const minutes = Number(text);
  if (!(minutes >= 0 && minutes <= 1200)) throw new Error(`--${name} wants a number up to 1200`);
  return minutes;
}

function wholeNumber(name: string, text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`--${name} wants a whole number`);
  return number;
}
