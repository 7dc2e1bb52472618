/** The status page: polls the admin API for each panel while the page is visible. Read this first. */
import type { DenialsReply, HistoryReply, StatusReply, TunnelsReply } from './api.ts';
import { showAlerts } from './alerts.ts';
import { createConfiguration } from './configuration.ts';
import { createDenials } from './denials.ts';
import { part, setText } from './dom.ts';
import { durationText } from './figures.js';
import { createHealth } from './health.ts';
import { poll } from './poll.ts';
import { createTallies } from './tallies.ts';
import { createTraffic } from './traffic.ts';
import { createTunnels } from './tunnels.ts';

const OFTEN_MS = 2_000;
const SOMETIMES_MS = 5_000;

const traffic = createTraffic();
const tallies = createTallies();
const health = createHealth();
const configuration = createConfiguration();
const denials = createDenials();
const tunnels = createTunnels();

poll<StatusReply>(() => 'api/status', OFTEN_MS, {
  show(status) {
    showHead(status);
    showAlerts(status);
    traffic.showStatus(status);
    tallies.show(status);
    health.show(status);
    configuration.show(status);
    denials.setNow(status.now);
    tunnels.allowControl(status.control);
  },
  fail: (why) => showAlerts(undefined, why),
});
poll<HistoryReply>(() => 'api/history', SOMETIMES_MS, { show: (history) => traffic.showHistory(history) });
denials.follow(poll<DenialsReply>(denials.question, SOMETIMES_MS, { show: (reply) => denials.show(reply) }));
tunnels.follow(poll<TunnelsReply>(tunnels.question, OFTEN_MS, { show: (reply) => tunnels.show(reply) }));

const LOOKS = { ready: 'good', starting: 'warn', draining: 'warn' } as const;

function showHead({ state, version, engine, node, uptime_ms, memory_bytes }: StatusReply): void {
  const mark = part('state', HTMLElement);
  setText(mark, state);
  mark.className = `state ${LOOKS[state]}`;
  const memory = `${Math.round(memory_bytes / 1024 / 1024)} MiB`;
  const facts = [
    `version ${version}`,
    `${engine} engine`,
    `Node.js ${node.slice(1)}`,
    memory,
    `up ${durationText(uptime_ms)}`,
  ];
  setText(part('facts', HTMLElement), facts.join(' · '));
}
