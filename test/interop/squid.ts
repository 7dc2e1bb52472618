import { basename } from 'node:path';
import type { Command, Peer, Place } from './peer.ts';

/**
 * The rules of the squid.conf that Debian installs, with the origin's port among those that CONNECT may reach.
 *
 * Debian builds Squid with GnuTLS, and so without ssl_bump, by which it would serve SNI.
 */
export const squid: Peer = {
  program: 'squid',
  versionFlag: '-v',
  needs: [],
  release: '5.7',
  door: 'connect',
  configure,
};

function configure({ folder, port, originPort, hosts, extra }: Place): Command {
  const text = `http_port 127.0.0.1:${port}
acl SSL_ports port 443 ${originPort}
acl Safe_ports port 443 1025-65535
http_access deny !Safe_ports
http_access deny CONNECT !SSL_ports
${extra}
http_access allow localhost
http_access deny all
hosts_file ${folder}/hosts
visible_hostname proxy.test
access_log none
cache_log /dev/null
pid_filename none
pinger_enable off
coredump_dir ${folder}
shutdown_lifetime 0 seconds
`;
  const names = Object.entries(hosts).map(([name, address]) => `${address} ${name}\n`);
  return {
    args: ['-N', '-n', serviceName(folder), '-f', 'squid.conf'],
    files: { 'squid.conf': text, hosts: names.join('') },
  };
}

/** Letters and digits. Squid names its shared memory (/dev/shm) after it, and two of one name end one another. */
function serviceName(folder: string): string {
  return basename(folder).replaceAll(/[^A-Za-z0-9]/g, '');
}
