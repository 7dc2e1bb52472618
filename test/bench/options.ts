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
  readonly lowRateSeconds: number;
  /** Tunnels before the first of those. */
  readonly lowRateWarmUps: number;
  readonly garbageTunnels: number;
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
  lowRateSeconds: 6,
  lowRateWarmUps: 10_000,
  garbageTunnels: 30_000,
  roundTrips: 60_000,
  decisions: 1_000_000,
};

const quick: Sizes = {
  ...full,
  bulkBytes: 2 ** 29,
  idleTunnels: 2_000,
  setUps: 3_000,
  warmUps: 1_000,
  pacedSeconds: 1,
  pacedWarmUpSeconds: 0.5,
  lowRateSeconds: 2,
  lowRateWarmUps: 3_000,
  garbageTunnels: 10_000,
  roundTrips: 20_000,
  decisions: 200_000,
};

const usage = `usage: npm run bench -- [--runs N] [--quick] [--only SCENARIO,...] [--peers PEER,...] [--two-threads] [--output FILE]

  --runs N       times that every peer is measured, interleaved (5; with --quick 1)
  --quick        smaller sizes: three minutes in all, on a machine that has nothing else to do
  --only LIST    of: bulk, idle-memory, set-up-sni, set-up-connect, low-rate-sni, low-rate-connect, ping-pong, garbage,
                 two-threads, decision
  --peers LIST   of: sallyport-native, sallyport-native-log, sallyport-portable, sallyport-portable-log, nginx, nginx-log,
                 nginx-half-close, nginx-64k, nginx-256k, nginx-tunnel, nginx-tunnel-log, nginx-proxy-connect,
                 nginx-proxy-connect-log, haproxy, haproxy-splice, squid, tinyproxy, node-pipe
                 (and for two-threads sallyport-native-2)
  --two-threads  also compares one data thread of the native engine with two
  --output FILE  writes the tables to FILE too

NGINX names the nginx for SNI, where it is not the one on the PATH. NGINX_CONNECT names those for CONNECT, with colons
between them: one that takes tunnel_pass (nginx 1.31 and later), one that takes proxy_connect (a module of third parties).
Debian's nginx takes neither: without NGINX_CONNECT those rows say that they are missing.
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
  const runs = Number(values.runs ?? (values.quick ? 1 : 5));
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
