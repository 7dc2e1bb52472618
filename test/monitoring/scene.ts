/** The running proxy with something of everything to count: both doors, a TLS door, checks of names, a parent that is down, refusals. */
import { startNameServer, zone } from '../../packages/resolver/test/fake-name-server.ts';
import { makeCertificates } from '../e2e/harness/certificates.ts';
import { testedRuntime } from '../e2e/harness/config-text.ts';
import { httpsOrigin, run } from '../e2e/harness/peers.ts';
import { freePort } from '../e2e/harness/ports.ts';
import { type Running, startSallyport } from '../e2e/harness/sallyport.ts';

export interface Scene {
  readonly proxy: Running;
  /** A few tunnels of every kind. */
  use(): Promise<void>;
  stop(): Promise<void>;
}

export async function startScene(): Promise<Scene> {
  const certificates = makeCertificates(['origin.test']);
  const origin = await httpsOrigin(certificates, 'hello\n');
  const names = await startNameServer(zone({ 'origin.test A': ['127.0.0.1'], 'parent.test A': ['127.0.0.1'] }));
  const { cert, key, caFile } = certificates;
  const yaml = configuration({ originPort: origin.port, namesPort: names.address.port, deadPort: await freePort() });
  const proxy = await startSallyport(yaml, { files: { 'proxy.crt': cert, 'proxy.key': key } });
  const page = (host: string) => `https://${host}:${origin.port}/`;
  const fetchPage = (url: string, ...args: readonly string[]) =>
    run('curl', ['--silent', '--show-error', '--max-time', '5', '--cacert', caFile, ...args, url]);
  const explicit = `http://127.0.0.1:${proxy.port('explicit')}`;
  return {
    proxy,
    use: async () => {
      const [byName, bySni, denied] = await Promise.all([
        fetchPage(page('origin.test'), '--proxy', explicit),
        fetchPage('https://origin.test/', '--connect-to', `::127.0.0.1:${proxy.port('transparent')}`),
        fetchPage(page('nope.test'), '--proxy', explicit),
        fetchPage(page('parent.test'), '--proxy', explicit),
      ]);
      const told = [byName.stdout, bySni.stdout, denied.stderr.includes('403')];
      if (told.join() !== 'hello\n,hello\n,true')
        throw new Error(`the proxy did not serve: ${JSON.stringify([byName, bySni, denied])}`);
    },
    stop: async () => {
      await proxy.stop();
      origin.close();
      await names.stop();
    },
  };
}

interface Ports {
  readonly originPort: number;
  readonly namesPort: number;
  readonly deadPort: number;
}

function configuration({ originPort, namesPort, deadPort }: Ports): string {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0", verify_sni: report }
  - { name: secured, mode: connect, bind: "127.0.0.1:0", tls: { cert: proxy.crt, key: proxy.key } }
  - { name: transparent, mode: sni, bind: "127.0.0.1:0", port: ${originPort} }
admin: { bind: "127.0.0.1:0" }
dns: { servers: ["127.0.0.1:${namesPort}"] }
runtime: ${testedRuntime()}
egress:
  - { name: parent, type: http, address: "127.0.0.1:${deadPort}" }
policy:
  rules:
    - { name: by-parent, action: allow, hosts: [parent.test], egress: parent }
    - { name: origin, action: allow, hosts: [origin.test] }
  destinations: { allow: [loopback] }
`;
}
