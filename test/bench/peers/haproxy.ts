/** HAProxy in TCP mode, choosing by req.ssl_sni. It does not serve CONNECT. */
import { serverName } from '../places.ts';
import { type Command, everyScenario, type Found, type Peer, type Place, tunnelSeconds } from './peer.ts';
import { outputOf, versionIn } from './version.ts';

interface Tuning {
  readonly global: string;
  readonly defaults: string;
}

export const haproxy: Peer = {
  id: 'haproxy',
  label: 'HAProxy',
  doors: ['sni'],
  scenarios: everyScenario,
  find: () => find({ global: '', defaults: '' }),
};

export const haproxyWithSplice: Peer = {
  id: 'haproxy-splice',
  // Forced: `splice-auto` guesses from the first pieces, and seldom splices.
  label: 'HAProxy, splicing, 1 MiB pipes',
  doors: ['sni'],
  scenarios: ['bulk'],
  find: () =>
    find({
      global: 'tune.pipesize 1048576\n  maxpipes 64',
      defaults: 'option splice-request\n  option splice-response',
    }),
};

function find(tuning: Tuning): Found {
  const output = outputOf('haproxy', ['-v']);
  if (output === undefined) return { kind: 'missing', why: 'haproxy is not installed' };
  return { kind: 'present', version: `HAProxy ${versionIn(output)}`, configure: (place) => configure(place, tuning) };
}

function configure({ ports, originPort }: Place, { global, defaults }: Tuning): Command {
  const text = `global
  nbthread 1
  maxconn 7000
  ${global}
defaults
  mode tcp
  timeout connect 10s
  timeout client ${tunnelSeconds}s
  timeout server ${tunnelSeconds}s
  ${defaults}
frontend sni
  bind 127.0.0.1:${ports.sni}
  tcp-request inspect-delay 10s
  tcp-request content accept if { req.ssl_hello_type 1 }
  use_backend origin if { req.ssl_sni -i ${serverName} }
backend origin
  server origin 127.0.0.1:${originPort}
`;
  return { argv: ['haproxy', '-db', '-f', 'haproxy.cfg'], files: { 'haproxy.cfg': text } };
}
