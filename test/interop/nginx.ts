import type { Command, Peer, Place } from './peer.ts';

// Debian builds the stream module as one to load (libnginx-mod-stream).
const streamModule = '/usr/lib/nginx/modules/ngx_stream_module.so';

/** Stream with ssl_preread, to whatever the name resolves to. */
export const nginx: Peer = {
  program: 'nginx',
  versionFlag: '-v',
  needs: [streamModule],
  release: '1.22',
  door: 'sni',
  configure,
};

function configure({ folder, port, originPort, nameServerPort, extra }: Place): Command {
  const text = `load_module ${streamModule};
daemon off;
pid nginx.pid;
error_log stderr crit;
events {}
stream {
  resolver 127.0.0.1:${nameServerPort};
  server {
    listen 127.0.0.1:${port};
    ssl_preread on;
    proxy_pass $ssl_preread_server_name:${originPort};
    ${extra}
  }
}
`;
  return { args: ['-p', folder, '-e', 'stderr', '-c', 'nginx.conf'], files: { 'nginx.conf': text } };
}
