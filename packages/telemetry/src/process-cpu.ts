/** `process_cpu_*`: the CPU time of this process. prom-client's own load OpenTelemetry, for exemplars. */
import type { Registry } from 'prom-client';
import { loadPromClient } from './load-library.ts';

/** Declares the counters in `registry`: since the start of the process. */
export function countCpuTime(registry: Registry): void {
  const { Counter } = loadPromClient();
  const registers = [registry];
  let counted = { user: 0, system: 0 };
  // The first of them, for a scrape collects in this order.
  const user = new Counter({
    name: 'process_cpu_user_seconds_total',
    help: 'Total user CPU time spent in seconds.',
    registers,
    collect() {
      const used = process.cpuUsage(counted);
      user.inc(used.user / 1e6);
      system.inc(used.system / 1e6);
      both.inc((used.user + used.system) / 1e6);
      counted = { user: counted.user + used.user, system: counted.system + used.system };
    },
  });
  const system = new Counter({
    name: 'process_cpu_system_seconds_total',
    help: 'Total system CPU time spent in seconds.',
    registers,
  });
  const both = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers,
  });
}
