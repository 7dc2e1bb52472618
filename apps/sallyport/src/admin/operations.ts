/** The operations of the admin API: their methods, paths and parameters. */
import type { Parameters } from './parameters.ts';

const limit = { about: 'How many at the most.', kind: 'count', byDefault: '50' } as const;

/** By operation. */
export const PARAMETERS = {
  status: {},
  history: {},
  tunnels: {
    sort: {
      about: 'Which come first: the largest, the oldest, or the fastest.',
      kind: 'choice',
      choices: ['bytes', 'age', 'rate'],
      byDefault: 'bytes',
    },
    limit,
    filter: {
      about: 'Only those that have this text in their client, host, upstream, user, rule or listener.',
      kind: 'text',
    },
    rates: {
      about: 'Whether each comes with its rate, and the list with how many there are; sort=rate implies the first.',
      kind: 'choice',
      choices: ['true', 'false'],
      byDefault: 'false',
    },
  },
  denials: {
    limit,
    verdict: {
      about: 'deny: what was denied. report: what report_only alone let pass.',
      kind: 'choice',
      choices: ['deny', 'report'],
      byDefault: 'deny',
    },
  },
  explain: {
    host: { about: 'A name or an IP literal, without brackets.', kind: 'text', isRequired: true },
    port: { about: 'The port asked for.', kind: 'port', isRequired: true },
    client: { about: 'The IP address that asks.', kind: 'text', isRequired: true },
    listener: { about: 'The door that it comes to; left out: the first.', kind: 'text' },
    user: { about: 'The authenticated user; left out: none.', kind: 'text' },
  },
} as const satisfies Record<string, Parameters>;
