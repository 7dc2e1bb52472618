/** One test of the contract with one system call that fails: whatever becomes of its connections, the engine has to go on. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { type Call, openedDescriptors, openSystemCalls } from '../../../../test/e2e/harness/system-calls.ts';
import type { Leg, Transport } from '../../src/index.ts';
import { followSplice } from '../contract/followed.ts';
import { listen, PATIENT, portOf } from '../contract/stage.ts';
import { type Fault, isUnnoticed } from './faults.ts';
import { type WatchedTransport, watchTransport } from './watched-transport.ts';

/** A test with what its suites do before and after it. */
export interface Trial {
  readonly before: readonly (() => unknown)[];
  readonly test: () => unknown;
  readonly after: readonly (() => unknown)[];
}

export interface Survived {
  /** Whether the call was made, and so failed. */
  readonly wasHit: boolean;
  /** How many there were of each. */
  readonly made: ReadonlyMap<Call, number>;
}

/** How long a test may wait, past the fault, for what will not come now. */
const IN_VAIN_MS = 300;
const LOOK_MS = 10;
const LONGEST_MS = 30_000;
/** What the engine has to do comes at once; the machine may be busy. */
const PATIENCE_MS = 15_000;

const ordersFile = process.env['SYSTEM_CALLS_FILE'] ?? '';
let transports: WatchedTransport[] = [];

/** Whatever a trial creates has to pass here. */
export function watched(create: () => Transport): () => Transport {
  return () => {
    const transport = watchTransport(create());
    transports.push(transport);
    return transport;
  };
}

/**
 * Throws where the engine does not survive: it has to serve another tunnel, end every tunnel once, stop, and leave no descriptor open.
 * @param fault left out: none, so that the test has to pass
 */
export async function survive(trial: Trial, fault?: Fault): Promise<Survived> {
  transports = [];
  const calls = openSystemCalls(ordersFile);
  calls.made();
  if (fault) calls.fail(fault.call, fault.error, 1, fault.spared);
  const hasFailed = (): boolean => fault !== undefined && calls.failuresLeft() === 0;
  const mayFail = fault !== undefined && !isUnnoticed(fault);
  try {
    const failure: Error | undefined = await outcomeOf(trial, mayFail ? hasFailed : () => false);
    const wasHit = hasFailed();
    const made = calls.made();
    calls.failNone();
    if (failure !== undefined && !(wasHit && mayFail)) throw failure;
    for (const transport of transports)
      if (!transport.isStopped()) await soon(serveOne(transport), 'it serves no more');
    await soon(inTurn(trial.after), 'what is behind the test does not end');
    await soon(Promise.all(transports.map((transport) => transport.stop())), 'it does not stop');
    expectNothingLeft();
    return { wasHit, made };
  } catch (cause) {
    const what = fault ? `${fault.call} fails with ${fault.error} after ${fault.spared}` : 'nothing fails';
    throw new Error(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  } finally {
    calls.failNone();
    calls.close();
    await Promise.all(transports.map((transport) => transport.stop()));
  }
}

/** What the test failed with, if it did. Once the fault has struck it may wait in vain. */
async function outcomeOf({ before, test }: Trial, hasFailed: () => boolean): Promise<Error | undefined> {
  const over = inTurn([...before, test]).then(
    (): { failure: Error | undefined } => ({ failure: undefined }),
    (cause: unknown) => ({ failure: cause instanceof Error ? cause : new Error(String(cause)) }),
  );
  let leftMs = IN_VAIN_MS;
  for (let waitedMs = 0; waitedMs < LONGEST_MS; waitedMs += LOOK_MS) {
    const outcome = await Promise.race([over, later(LOOK_MS)]);
    if (outcome !== undefined) return outcome.failure;
    if (hasFailed()) leftMs -= LOOK_MS;
    if (leftMs <= 0) return undefined;
  }
  return new Error('the test does not end');
}

async function inTurn(steps: readonly (() => unknown)[]): Promise<void> {
  for (const step of steps) await step();
}

/** A client, an upstream, a tunnel between them; and each of them ends. */
async function serveOne(transport: Transport): Promise<void> {
  const echo = await listen((socket) => socket.on('error', () => undefined).pipe(socket));
  let onLeg: (leg: Leg) => void = () => undefined;
  const arrival = new Promise<Leg>((resolve) => (onLeg = resolve));
  const door = await transport.listen({ host: '127.0.0.1', port: 0 }, onLeg);
  const client = connect({ ...door.address, allowHalfOpen: true });
  client.write('alive?');
  const leg = await arrival;
  const dialled = await transport.dial({ host: '127.0.0.1', port: portOf(echo) }, { deadline: Infinity }).done;
  if (dialled.kind !== 'connected') throw new Error(`the dial was ${dialled.kind}`);
  const tunnel = followSplice(transport, leg, dialled.leg, PATIENT);
  await once(client, 'data');
  client.end();
  const { end } = await tunnel.done;
  if (end !== 'client_closed') throw new Error(`it ended by ${end}`);
  await door.close();
  client.destroy();
  echo.close();
}

function expectNothingLeft(): void {
  for (const transport of transports) {
    const { contradictions } = transport;
    const alive = transport.tunnelsAlive();
    if (contradictions.length > 0) throw new Error(contradictions.join(', '));
    if (alive > 0) throw new Error(`${alive} tunnels have not ended`);
  }
  const open = openedDescriptors(ordersFile);
  if (open.length > 0) throw new Error(`it left ${open.length} descriptors open: ${open.join(', ')}`);
}

async function soon<Value>(value: Promise<Value>, complaint: string): Promise<Value> {
  const result = await Promise.race([value.then((done) => ({ done })), later(PATIENCE_MS)]);
  if (result === undefined) throw new Error(complaint);
  return result.done;
}

function later(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => resolve(undefined), ms));
}
