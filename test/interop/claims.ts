/** What README.md says of Sallyport and its peers. peers.test.ts asks each of them, and holds README.md to this. */
import type { ProbeName } from './probes.ts';

/** The kinds of door: the destination is read from a ClientHello, or said by CONNECT. */
export type Door = 'sni' | 'connect';

/** Everyone who is asked. */
export type ProxyName = 'sallyport' | 'nginx' | 'haproxy' | 'squid';

type ColumnId = 'ourSni' | 'nginx' | 'haproxy' | 'ourConnect' | 'squid';

interface Column {
  readonly id: ColumnId;
  readonly heading: string;
  readonly proxy: ProxyName;
  readonly door: Door;
}

/** Like beside like: those that read the SNI, then those that serve CONNECT. */
export const columns: readonly Column[] = [
  { id: 'ourSni', heading: 'Sallyport, SNI', proxy: 'sallyport', door: 'sni' },
  { id: 'nginx', heading: 'nginx, SNI', proxy: 'nginx', door: 'sni' },
  { id: 'haproxy', heading: 'HAProxy, SNI', proxy: 'haproxy', door: 'sni' },
  { id: 'ourConnect', heading: 'Sallyport, CONNECT', proxy: 'sallyport', door: 'connect' },
  { id: 'squid', heading: 'Squid, CONNECT', proxy: 'squid', door: 'connect' },
];

interface Claim {
  readonly what: string;
  readonly probe: ProbeName;
  /** In the very words of the probe; left out where the door is not one for the question. */
  readonly answers: Readonly<Partial<Record<ColumnId, string>>>;
}

/** The rows. */
export const claims: readonly Claim[] = [
  {
    what: "the destination's RST reaches the client as",
    probe: 'resetUpstream',
    answers: { ourSni: 'RST', nginx: 'FIN', haproxy: 'FIN', ourConnect: 'RST', squid: 'FIN' },
  },
  {
    what: "the client's RST reaches the destination as",
    probe: 'resetClient',
    answers: { ourSni: 'RST', nginx: 'FIN', haproxy: 'RST', ourConnect: 'RST', squid: 'FIN' },
  },
  {
    what: "an answer sent after the client's FIN",
    probe: 'answerAfterFin',
    answers: { ourSni: 'arrives', nginx: 'is lost', haproxy: 'arrives', ourConnect: 'arrives', squid: 'is lost' },
  },
  {
    what: 'a name that resolves to loopback',
    probe: 'insideName',
    answers: {
      ourSni: 'alert access_denied',
      nginx: 'is dialled',
      haproxy: 'is dialled',
      ourConnect: '403 destination_ip_prohibited',
      squid: 'is dialled',
    },
  },
  {
    what: 'at a closed port the client gets',
    probe: 'closedPort',
    answers: {
      ourSni: 'alert internal_error',
      nginx: 'FIN',
      haproxy: 'FIN',
      ourConnect: '502 connection_refused',
      squid: '503',
    },
  },
  {
    what: 'a client meant for the other kind of door gets',
    probe: 'wrongDoor',
    answers: {
      ourSni: '421 http_request_error, naming the other door',
      nginx: 'FIN',
      haproxy: 'FIN',
      ourConnect: 'alert unexpected_message',
      squid: '400',
    },
  },
  {
    what: 'a ClientHello in 20 segments',
    probe: 'drippedHello',
    answers: { ourSni: 'is served', nginx: 'is served', haproxy: 'is served' },
  },
  {
    what: 'a ClientHello in two TLS records, the name cut in two',
    probe: 'helloInTwoRecords',
    answers: { ourSni: 'is served', nginx: 'is served', haproxy: 'FIN' },
  },
];

interface Remedy {
  readonly proxy: Exclude<ProxyName, 'sallyport'>;
  readonly probe: ProbeName;
  /** One more line of the peer's configuration; the manuals of HAProxy (for HTTP) and Squid recommend theirs. */
  readonly line: string;
  readonly answer: string;
}

/** What peers do when they are told to: the table is of plain configurations. */
export const remedies: readonly Remedy[] = [
  { proxy: 'nginx', probe: 'answerAfterFin', line: 'proxy_half_close on;', answer: 'arrives' },
  {
    proxy: 'haproxy',
    probe: 'insideName',
    line: 'tcp-request content reject if { var(txn.address) -m ip 127.0.0.0/8 }',
    answer: 'FIN',
  },
  { proxy: 'squid', probe: 'insideName', line: 'http_access deny to_localhost', answer: '403' },
];
