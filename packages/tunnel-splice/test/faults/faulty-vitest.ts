/**
 * Stands in for `vitest` where the contract suite imports it: each of its tests runs again and again, each time with another system call
 * that fails. What the test then finds may be anything but what `survive` forbids.
 */
import * as vitest from 'vitest';
import { type Fault, FAULTS } from './faults.ts';
import { survive, type Trial } from './survive.ts';

export { expect } from 'vitest';

type Step = () => unknown;

interface Suite {
  readonly parent: Suite | undefined;
  readonly before: Step[];
  readonly after: Step[];
}

let suite: Suite = { parent: undefined, before: [], after: [] };

export function beforeEach(step: Step): void {
  suite.before.push(step);
}

export function afterEach(step: Step): void {
  suite.after.unshift(step);
}

/** Vitest runs the body of an inner suite once that of the outer is over. */
function within<Arguments extends readonly unknown[]>(body: (...args: Arguments) => void) {
  const parent = suite;
  return (...args: Arguments): void => {
    suite = { parent, before: [], after: [] };
    body(...args);
    suite = parent;
  };
}

export const describe = Object.assign((title: string, body: () => void) => vitest.describe(title, within(body)), {
  each: <Case>(cases: readonly Case[]) => {
    return (title: string, body: (one: Case) => void): void => vitest.describe.each(cases)(title, within(body));
  },
});

type Body<Arguments extends readonly unknown[]> = (...args: Arguments) => unknown;

/** Far beyond what they need: `survive` has its own limits, and says more. */
const TIMEOUT_MS = 3_600_000;

function faulty<Arguments extends readonly unknown[]>(body: Body<Arguments>): (...args: Arguments) => Promise<void> {
  const { before, after } = stepsOf(suite);
  return (...args) => tryOut({ before, test: () => body(...args), after });
}

export const it = Object.assign((title: string, body: Step) => vitest.it(title, faulty(body), TIMEOUT_MS), {
  each: <Case>(cases: readonly Case[]) => {
    return (title: string, body: (one: Case) => unknown): void =>
      vitest.it.each(cases)(title, faulty(body), TIMEOUT_MS);
  },
  skipIf: (isSkipped: boolean) => {
    return (title: string, body: Step): void => vitest.it.skipIf(isSkipped)(title, faulty(body), TIMEOUT_MS);
  },
  runIf: (isRun: boolean) => {
    return (title: string, body: Step): void => vitest.it.runIf(isRun)(title, faulty(body), TIMEOUT_MS);
  },
});

function stepsOf({ parent, before, after }: Suite): Pick<Trial, 'before' | 'after'> {
  if (parent === undefined) return { before, after };
  const outer = stepsOf(parent);
  return { before: [...outer.before, ...before], after: [...after, ...outer.after] };
}

/** Names of calls, or `all`: then each of them fails at each of its moments. Left out: one call a test, another in each test. */
const thorough = process.env['SALLYPORT_FAULTS'];
/** A test that moves megabytes makes thousands of calls of a name. */
const MOST_SPARED = 12;

function tryOut(trial: Trial): Promise<void> {
  return thorough === undefined ? tryOne(trial) : tryEach(trial, thorough.split(','));
}

/** How often each was tried: those come first that were tried least. */
const tries = FAULTS.map((fault) => ({ fault, count: 0 }));

async function tryOne(trial: Trial): Promise<void> {
  const { wasHit, made } = await survive(
    trial,
    nextOf(() => 1),
  );
  if (!wasHit)
    await survive(
      trial,
      nextOf(({ call }) => made.get(call) ?? 0),
    );
}

/** @param momentsOf how many moments a fault can strike at */
function nextOf(momentsOf: (fault: (typeof FAULTS)[number]) => number): Fault | undefined {
  const [least] = tries.filter(({ fault }) => momentsOf(fault) > 0).sort((a, b) => a.count - b.count);
  if (least === undefined) return undefined;
  least.count += 1;
  return { ...least.fault, spared: least.count % Math.min(momentsOf(least.fault), MOST_SPARED) };
}

async function tryEach(trial: Trial, calls: readonly string[]): Promise<void> {
  const { made } = await survive(trial);
  for (const fault of FAULTS) {
    if (!made.get(fault.call) || !(calls.includes('all') || calls.includes(fault.call))) continue;
    for (let spared = 0; spared < MOST_SPARED; spared += 1) {
      if (!(await survive(trial, { ...fault, spared })).wasHit) break;
    }
  }
}
