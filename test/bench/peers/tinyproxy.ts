/** tinyproxy: CONNECT alone, a thread for every tunnel. */
import { type Command, everyScenario, type Peer, type Place, tunnelSeconds } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

export const tinyproxy: Peer = {
  id: 'tinyproxy',
  label: 'tinyproxy',
  doors: ['connect'],
  scenarios: everyScenario,
  find: () => {
    const output = outputOf('tinyproxy', ['-v']);
    if (output === undefined) return { kind: 'missing', why: 'tinyproxy is not installed' };
    return { kind: 'present', version: `tinyproxy ${versionIn(output)}`, configure };
  },
};

function configure({ ports }: Place): Command {
  const text = `Listen 127.0.0.1
Port ${ports.connect}
Timeout ${tunnelSeconds}
MaxClients 8000
Allow 127.0.0.0/8
LogLevel Critical
LogFile "/dev/null"
`;
  return { argv: ['tinyproxy', '-d', '-c', 'tinyproxy.conf'], files: { 'tinyproxy.conf': text } };
}
