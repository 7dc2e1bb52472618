/** nginx as a forward proxy: by its own tunnel module (nginx 1.31 and later), and by the proxy_connect module that many builds add. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { nginxCommand, nginxProcess } from './nginx.ts';
import { type Found, type Peer, tunnelSeconds } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

/** A way to take CONNECT. */
interface Way {
  readonly id: string;
  readonly directive: string;
  /** What a server needs for it. */
  readonly settings: string;
}

const tunnelModule: Way = {
  id: 'nginx-tunnel',
  directive: 'tunnel_pass',
  settings: `tunnel_read_timeout ${tunnelSeconds}s; tunnel_send_timeout ${tunnelSeconds}s; location / { tunnel_pass; }`,
};

const connectModule: Way = {
  id: 'nginx-proxy-connect',
  directive: 'proxy_connect',
  settings: `proxy_connect; proxy_connect_allow all; proxy_connect_data_timeout ${tunnelSeconds}s;`,
};

export const nginxConnectPeers: readonly Peer[] = [tunnelModule, connectModule].flatMap((way) => {
  const label = `nginx, ${way.directive}`;
  const common = { doors: ['connect'], scenarios: ['set-up-connect', 'low-rate-connect'] } as const;
  return [
    { ...common, id: way.id, label, find: () => find(way, 'access_log off;') },
    {
      ...common,
      id: `${way.id}-log`,
      label: `${label}, JSON log`,
      withoutLog: way.id,
      find: () => find(way, `log_format line escape=json '${logLine}'; access_log /dev/null line;`),
    },
  ];
});

/** About what Sallyport's own line tells; each is written by itself, as nginx does by default. */
const logLine =
  '{"time":"$time_iso8601","client":"$remote_addr:$remote_port","request":"$request","status":$status,"upstream":"$upstream_addr","connect":"$upstream_connect_time","duration":$request_time,"bytes_up":$request_length,"bytes_down":$bytes_sent}';

/** The first that takes it of the programs that NGINX_CONNECT names, or else the nginx on the PATH: it may be a recent one. */
function find(way: Way, logging: string): Found {
  const programs = (process.env['NGINX_CONNECT'] ?? 'nginx').split(delimiter);
  const program = programs.find((each) => isTaken(each, way, logging));
  if (program === undefined) {
    const why = `no ${programs.join(' nor ')} with ${way.directive}: name one in NGINX_CONNECT`;
    return { kind: 'missing', why };
  }
  return {
    kind: 'present',
    version: `nginx ${versionIn(outputOf(program, ['-V']) ?? '')} (${way.directive})`,
    configure: ({ folder, ports }) =>
      nginxCommand(program, folder, configuration(`127.0.0.1:${ports.connect}`, way, logging)),
  };
}

/** By the program's own test of a configuration: what is compiled in by default does not show in `-V`. */
function isTaken(program: string, way: Way, logging: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    // Testing binds too: a socket in the folder is nobody else's.
    const { argv, files } = nginxCommand(program, folder, configuration(`unix:${join(folder, 'door')}`, way, logging));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return spawnSync(argv[0], ['-t', ...argv.slice(1)]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configuration(door: string, { settings }: Way, logging: string): string {
  return `${nginxProcess}
http {
  ${logging}
  server {
    listen ${door};
    ${settings}
  }
}
`;
}
