/** The command line of the benchmark. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Times that every peer is measured in every scenario. */
  readonly runs: number;
  /** Scenarios to run; empty for all. */
  readonly only: readonly string[];
  /** Peers to measure; empty for all. */
  readonly peers: readonly string[];
  readonly hasTwoThreads: boolean;
  readonly sizes: Sizes;
  /** A file that gets the tables too. */
  readonly output?: string;
}

/** How much is measured in one run. */
export interface Sizes {
  /** In all tunnels together, each way. */
  readonly bulkBytes: number;
  readonly idleTunnels: number;
  readonly setUps: number;
  /** Tunnels before the measured ones, so that a JIT has seen the path: a proxy runs for weeks. */
  readonly warmUps: number;
  readonly pacedSeconds: number;
  /** At the same pace before those: it is another path, to a JIT, than the crowded one. */
  readonly pacedWarmUpSeconds: number;
  readonly roundTrips: number;
  /** Decisions that are timed. */
  readonly decisions: number;
}

const full: Sizes = {
  bulkBytes: 2 * 2 ** 30,
  idleTunnels: 5_000,
  setUps: 10_000,
  warmUps: 15_000,
  pacedSeconds: 5,
  pacedWarmUpSeconds: 3,
  roundTrips: 60_000,
  decisions: 1_000_000,
};

const quick: Sizes = {
  ...full,
  bulkBytes: 2 ** 29,
  setUps: 3_000,
  warmUps: 1_000,
  pacedSeconds: 2,
  pacedWarmUpSeconds: 1,
  roundTrips: 20_000,
  decisions: 200_000,
};

const usage = `usage: pnpm bench [--runs N] [--quick] [--only SCENARIO,...] [--peers PEER,...] [--two-threads] [--output FILE]

  --runs N       times that every peer is measured, interleaved (5; with --quick 2)
  --quick        smaller sizes
  --only LIST    of: bulk, idle-memory, set-up-sni, set-up-connect, ping-pong, two-threads, decision
  --peers LIST   of: sallyport-native, sallyport-native-log, sallyport-portable, sallyport-portable-log, nginx,
                 nginx-256k, nginx-connect, haproxy, haproxy-splice, squid, tinyproxy, node-pipe (and for two-threads sallyport-native-2)
  --two-threads  also compares one data thread of the native engine with two
  --output FILE  writes the tables to FILE too

NGINX_CONNECT names an nginx that takes CONNECT (tunnel_pass or proxy_connect), where the one on the PATH does not.
A benchmark wants a machine to itself: whatever else runs shows in the figures.
`;

/** Reads the arguments; ends the process after `--help`. */
export function readOptions(args: readonly string[]): Options {
  const { values } = parseArgs({
    // `pnpm bench -- --quick` passes the two dashes on.
    args: args.filter((argument) => argument !== '--'),
    options: {
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: '' },
      peers: { type: 'string', default: '' },
      'two-threads': { type: 'boolean', default: false },
      output: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    process.exit(0);
  }
  const runs = Number(values.runs ?? (values.quick ? 2 : 5));
  if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs wants a whole number from 1');
  return {
    runs,
    only: splitList(values.only),
    peers: splitList(values.peers),
    hasTwoThreads: values['two-threads'],
    sizes: values.quick ? quick : full,
    ...(values.output !== undefined && { output: values.output }),
  };
}

function splitList(text: string): readonly string[] {
  return text.split(',').filter((item) => item !== '');
}
