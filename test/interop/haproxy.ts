import type { Command, Peer, Place } from './peer.ts';

/** TCP mode with req.ssl_sni and do-resolve, less the manual's rule against loopback: that is where the tests' origins are. */
export const haproxy: Peer = {
  program: 'haproxy',
  versionFlag: '-v',
  needs: [],
  release: '2.6',
  door: 'sni',
  configure,
};

function configure({ port, originPort, nameServerPort, extra }: Place): Command {
  const text = `resolvers names
  nameserver local 127.0.0.1:${nameServerPort}
defaults
  mode tcp
  timeout connect 10s
  timeout client 1m
  timeout server 1m
frontend sni
  bind 127.0.0.1:${port}
  tcp-request inspect-delay 5s
  tcp-request content reject unless { req.ssl_hello_type 1 }
  tcp-request content do-resolve(txn.address,names,ipv4) req.ssl_sni
  tcp-request content reject unless { var(txn.address) -m found }
  ${extra}
  tcp-request content set-dst var(txn.address)
  tcp-request content set-dst-port int(${originPort})
  default_backend origin
backend origin
  server origin 0.0.0.0:0
`;
  return { args: ['-db', '-f', 'haproxy.cfg'], files: { 'haproxy.cfg': text } };
}
