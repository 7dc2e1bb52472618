/** nginx as a forward proxy: by tunnel_pass (nginx 1.31 and later), or by proxy_connect of a module that many builds add. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nginxCommand, nginxProcess } from './nginx.ts';
import { type Found, type Peer, tunnelSeconds } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

export const nginxWithConnect: Peer = {
  id: 'nginx-connect',
  label: 'nginx with CONNECT',
  doors: ['connect'],
  scenarios: ['set-up-connect'],
  find,
};

/** What a server needs to take CONNECT, each way there is. */
const ways: readonly string[] = [
  `tunnel_read_timeout ${tunnelSeconds}s; tunnel_send_timeout ${tunnelSeconds}s; location / { tunnel_pass; }`,
  `proxy_connect; proxy_connect_allow all; proxy_connect_data_timeout ${tunnelSeconds}s;`,
];

/** The nginx that NGINX_CONNECT names, or the one on the PATH: it may be a recent one. */
function find(): Found {
  const program = process.env['NGINX_CONNECT'] ?? 'nginx';
  const build = outputOf(program, ['-V']);
  if (build === undefined) return { kind: 'missing', why: `no ${program}: name one with CONNECT in NGINX_CONNECT` };
  const version = `nginx ${versionIn(build)}`;
  const way = ways.find((each) => isTaken(program, each));
  if (way === undefined) {
    const why = `${version} takes neither tunnel_pass nor proxy_connect: name one that does in NGINX_CONNECT`;
    return { kind: 'missing', why };
  }
  return {
    kind: 'present',
    version,
    configure: ({ folder, ports }) => nginxCommand(program, folder, configuration(`127.0.0.1:${ports.connect}`, way)),
  };
}

/** By the program's own test of a configuration: what is compiled in by default does not show in `-V`. */
function isTaken(program: string, way: string): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    // Testing binds too: a socket in the folder is nobody else's.
    const { argv, files } = nginxCommand(program, folder, configuration(`unix:${join(folder, 'door')}`, way));
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return spawnSync(argv[0], ['-t', ...argv.slice(1)]).status === 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function configuration(door: string, way: string): string {
  return `${nginxProcess}
http {
  access_log off;
  server {
    listen ${door};
    ${way}
  }
}
`;
}
