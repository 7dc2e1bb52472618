/** Notifies systemd of the service's state (sd_notify(3)). Without systemd it does nothing. */
import { execFile } from 'node:child_process';
import type { Logger } from '@sallyport/telemetry';
import { sendDatagram } from '@sallyport/tunnel-splice';

/** The states of a service that systemd knows. */
export interface ServiceManager {
  /** The doors are open. Also sent when a reload is over, whether or not it took effect. */
  ready(): void;
  reloading(): void;
  /** Another process serves from now on. systemd is to watch it in place of this one. */
  succeededBy(pid: number): void;
  /** Draining has begun. */
  stopping(): void;
}

/** Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. With a watchdog, it reports from `ready` on that the event loop runs. */
export function findServiceManager(env: NodeJS.ProcessEnv, log: Logger): ServiceManager {
  const notify = openChannel(env['NOTIFY_SOCKET'], log);
  const watchdogMs = readWatchdogMs(env);
  let watchdog: NodeJS.Timeout | undefined;
  return {
    ready() {
      notify('READY=1\nSTATUS=Serving');
      // Twice in each period, as sd_watchdog_enabled(3) advises. What blocks the event loop blocks every new client.
      if (watchdogMs !== undefined) watchdog ??= setInterval(() => notify('WATCHDOG=1'), watchdogMs / 2).unref();
    },
    // Type=notify-reload matches a reload by this clock.
    reloading: () => notify(`RELOADING=1\nMONOTONIC_USEC=${process.hrtime.bigint() / 1000n}\nSTATUS=Reloading`),
    succeededBy(pid) {
      clearInterval(watchdog);
      notify(`MAINPID=${pid}\nREADY=1\nSTATUS=Serving`);
    },
    stopping: () => notify('STOPPING=1\nSTATUS=Draining'),
  };
}

type Notify = (state: string) => void;

function openChannel(path: string | undefined, log: Logger): Notify {
  if (path === undefined || path === '') return () => undefined;
  return (state) => {
    const result = sendDatagram(path, state);
    if (result.kind === 'failed') notifyByProgram(state, result.reason, log);
  };
}

/** For a system without the addon. The unit must accept messages of its other processes (NotifyAccess=all). */
function notifyByProgram(state: string, reason: string, log: Logger): void {
  execFile('systemd-notify', state.split('\n'), (error) => {
    if (error) log.warn({ reason, detail: error.message }, 'systemd could not be notified');
  });
}

/** The period of the watchdog, if there is one for this process. */
function readWatchdogMs(env: NodeJS.ProcessEnv): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC']);
  const isMeantForUs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === process.pid;
  return microseconds > 0 && isMeantForUs ? microseconds / 1000 : undefined;
}
