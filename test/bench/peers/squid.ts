/** Squid as a forward proxy: CONNECT alone, nothing cached. */
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
  return { argv: ['squid', '-N', '-f', 'squid.conf'], files: { 'squid.conf': text } };
}
