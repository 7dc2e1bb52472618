/** nginx: stream with ssl_preread. For CONNECT there is nginx-connect.ts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serverName } from '../places.ts';
import { type Command, everyScenario, type Found, type Peer, type Place, setUpScenarios } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

const doors = ['sni'] as const;

export const nginxPeers: readonly Peer[] = [
  { id: 'nginx', label: 'nginx', doors, scenarios: everyScenario.filter(isNotConnect), find: () => find('') },
  {
    id: 'nginx-log',
    label: 'nginx, JSON log',
    doors,
    scenarios: setUpScenarios.filter(isNotConnect),
    withoutLog: 'nginx',
    find: () => find(`log_format line escape=json '${logLine}'; access_log /dev/null line;`),
  },
  // By default it closes both sides at the first FIN. To pass that on, and wait for the other, is a system call and a wait more.
  {
    id: 'nginx-half-close',
    label: 'nginx, proxy_half_close',
    doors,
    scenarios: setUpScenarios.filter(isNotConnect),
    find: () => find('proxy_half_close on;'),
  },
  withBuffers(64),
  withBuffers(256),
];

/** About what Sallyport's own line tells; each is written by itself, as nginx does by default. */
const logLine =
  '{"time":"$time_iso8601","client":"$remote_addr:$remote_port","sni":"$ssl_preread_server_name","status":"$status","upstream":"$upstream_addr","connect":"$upstream_connect_time","duration":"$session_time","bytes_up":$bytes_received,"bytes_down":$bytes_sent}';

function isNotConnect(name: string): boolean {
  return !name.endsWith('-connect');
}

function withBuffers(kib: number): Peer {
  const label = `nginx, ${kib} KiB buffers`;
  return { id: `nginx-${kib}k`, label, doors, scenarios: ['bulk'], find: () => find(`proxy_buffer_size ${kib}k;`) };
}

/** What every configuration begins with: one worker, in the foreground, with room for many tunnels. */
export const nginxProcess = `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 16384; }`;

/** The nginx that NGINX names, or the one on the PATH. */
function find(settings: string): Found {
  const program = process.env['NGINX'] ?? 'nginx';
  const build = outputOf(program, ['-V']);
  if (build === undefined) return { kind: 'missing', why: `${program} is not installed` };
  const version = `nginx ${versionIn(build)}`;
  const stream = findStreamModule(build);
  if (stream.kind === 'absent')
    return { kind: 'missing', why: `${version} without stream (Debian: libnginx-mod-stream)` };
  const load = stream.kind === 'dynamic' ? `load_module ${stream.file};` : '';
  return {
    kind: 'present',
    version,
    configure: (place) => nginxCommand(program, place.folder, configuration(place, load, settings)),
  };
}

type StreamModule = { readonly kind: 'static' | 'absent' } | { readonly kind: 'dynamic'; readonly file: string };

/** In the program itself, or in a module: in nginx's folder, or in the one that NGINX_MODULES names. */
function findStreamModule(build: string): StreamModule {
  if (/--with-stream(\s|$)/.test(build)) return { kind: 'static' };
  const folder = process.env['NGINX_MODULES'] ?? /--modules-path=(\S+)/.exec(build)?.[1] ?? '';
  const file = join(folder, 'ngx_stream_module.so');
  return existsSync(file) ? { kind: 'dynamic', file } : { kind: 'absent' };
}

function configuration({ ports, originPort }: Place, load: string, settings: string): string {
  return `${load}
${nginxProcess}
stream {
  map $ssl_preread_server_name $origin { ${serverName} 127.0.0.1:${originPort}; }
  ${settings}
  server {
    listen 127.0.0.1:${ports.sni};
    ssl_preread on;
    proxy_pass $origin;
  }
}
`;
}

/** nginx in the foreground, in a folder of its own. */
export function nginxCommand(program: string, folder: string, text: string): Command {
  return { argv: [program, '-p', folder, '-e', 'stderr', '-c', 'nginx.conf'], files: { 'nginx.conf': text } };
}
