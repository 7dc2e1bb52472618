/** SIGUSR1: a successor takes over the same sockets. If it fails to start, this process goes on unchanged. */
import type { Logger } from '@sallyport/telemetry';
import { isNpm, parentName } from '../parent-process.ts';
import type { Program } from '../program.ts';
import type { ServiceManager } from '../systemd/service-manager.ts';
import { startSuccessor, type Successor } from './start-successor.ts';

/** What a takeover tells others. */
export interface TakeoverTools {
  readonly log: Logger;
  readonly serviceManager: ServiceManager;
  /** How many descriptors this process was passed at its own start. */
  readonly inheritedCount: number;
  /** Called with a successor that is starting. A drain stops it. */
  readonly onStarted: (successor: Successor) => void;
}

/** Resolves with whether a successor serves now. Until then this process serves. Where it goes on, it logs the reason. */
export async function takeOver(program: Program, tools: TakeoverTools): Promise<boolean> {
  const { log, serviceManager } = tools;
  const obstacle = whyItWouldEnd();
  if (obstacle !== undefined) {
    log.error({ detail: obstacle }, 'takeover failed');
    return false;
  }
  serviceManager.reloading();
  const successor = startSuccessor(program.sockets(), tools.inheritedCount);
  tools.onStarted(successor);
  const { pid } = successor;
  log.info({ ...(pid !== undefined && { pid }) }, 'successor started');
  const outcome = await successor.outcome;
  if (outcome.kind === 'ready' && pid !== undefined) {
    serviceManager.succeededBy(pid);
    log.info({ pid }, 'successor serves');
    return true;
  }
  const why = outcome.kind === 'failed' ? outcome.why : 'it has no process id';
  log.error({ detail: `The successor did not come up: ${why}. This process goes on.` }, 'takeover failed');
  serviceManager.ready();
  return false;
}

/** When a container's first process ends, the container ends, and the successor with it. */
function whyItWouldEnd(): string | undefined {
  if (process.pid === 1) return FIRST_PROCESS;
  const name = process.ppid === 1 ? parentName() : undefined;
  const endsWithUs = name !== undefined && (isNpm(name) || ENDING_WITH_THEIR_CHILD.includes(name));
  return endsWithUs ? `Process 1 (${name}) ends with its child, and would end the successor too. ${REMEDY}` : undefined;
}

/** The inits of Docker and Podman, and others for containers. */
const ENDING_WITH_THEIR_CHILD = ['tini', 'docker-init', 'podman-init', 'catatonit', 'dumb-init'];

const REMEDY =
  'Start another container in place of this one, or run under an init (docker run --init does not do: it ends with its child).';
const FIRST_PROCESS = `This is process 1, whose end would end the successor too. ${REMEDY}`;
