/** nginx: stream with ssl_preread. For CONNECT there is nginx-connect.ts. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { serverName } from '../places.ts';
import { type Command, everyScenario, type Found, type Peer, type Place } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

export const nginx: Peer = {
  id: 'nginx',
  label: 'nginx',
  doors: ['sni'],
  scenarios: everyScenario.filter((name) => name !== 'set-up-connect'),
  find: () => find(''),
};

export const nginxWithBigBuffers: Peer = {
  id: 'nginx-256k',
  label: 'nginx, 256 KiB buffers',
  doors: ['sni'],
  scenarios: ['bulk'],
  find: () => find('proxy_buffer_size 256k;'),
};

/** What every configuration begins with: one worker, in the foreground, with room for many tunnels. */
export const nginxProcess = `daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 16384; }`;

function find(buffers: string): Found {
  const build = outputOf('nginx', ['-V']);
  if (build === undefined) return { kind: 'missing', why: 'nginx is not installed' };
  const version = `nginx ${versionIn(build)}`;
  const stream = findStreamModule(build);
  if (stream.kind === 'absent')
    return { kind: 'missing', why: `${version} without stream (Debian: libnginx-mod-stream)` };
  const load = stream.kind === 'dynamic' ? `load_module ${stream.file};` : '';
  return { kind: 'present', version, configure: (place) => configure(place, load, buffers) };
}

type StreamModule = { readonly kind: 'static' | 'absent' } | { readonly kind: 'dynamic'; readonly file: string };

/** In the program itself, or in a module: in nginx's folder, or in the one that NGINX_MODULES names. */
function findStreamModule(build: string): StreamModule {
  if (/--with-stream(\s|$)/.test(build)) return { kind: 'static' };
  const folder = process.env['NGINX_MODULES'] ?? /--modules-path=(\S+)/.exec(build)?.[1] ?? '';
  const file = join(folder, 'ngx_stream_module.so');
  return existsSync(file) ? { kind: 'dynamic', file } : { kind: 'absent' };
}

function configure({ folder, ports, originPort }: Place, load: string, buffers: string): Command {
  const text = `${load}
${nginxProcess}
stream {
  map $ssl_preread_server_name $origin { ${serverName} 127.0.0.1:${originPort}; }
  server {
    listen 127.0.0.1:${ports.sni};
    ssl_preread on;
    proxy_pass $origin;
    ${buffers}
  }
}
`;
  return nginxCommand('nginx', folder, text);
}

/** nginx in the foreground, in a folder of its own. */
export function nginxCommand(program: string, folder: string, text: string): Command {
  return { argv: [program, '-p', folder, '-e', 'stderr', '-c', 'nginx.conf'], files: { 'nginx.conf': text } };
}
