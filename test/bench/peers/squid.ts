/** Squid as a forward proxy: CONNECT alone, nothing cached. */
import { basename } from 'node:path';
import { type Command, everyScenario, type Peer, type Place } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

export const squid: Peer = {
  id: 'squid',
  label: 'Squid',
  doors: ['connect'],
  scenarios: everyScenario,
  find: () => {
    const output = outputOf('squid', ['-v']);
    if (output === undefined) return { kind: 'missing', why: 'squid is not installed' };
    return { kind: 'present', version: `Squid ${versionIn(output)}`, configure };
  },
};

function configure({ folder, ports }: Place): Command {
  const text = `http_port 127.0.0.1:${ports.connect}
http_access allow all
visible_hostname bench
access_log none
cache_log /dev/null
cache deny all
cache_mem 0
pid_filename none
pinger_enable off
coredump_dir ${folder}
max_filedescriptors 16384
shutdown_lifetime 0 seconds
`;
  return { argv: ['squid', '-N', '-n', serviceName(folder), '-f', 'squid.conf'], files: { 'squid.conf': text } };
}

/** Letters and digits. Squid names its shared memory (/dev/shm) after it, and two of one name end one another. */
function serviceName(folder: string): string {
  return basename(folder).replaceAll(/[^A-Za-z0-9]/g, '');
}
