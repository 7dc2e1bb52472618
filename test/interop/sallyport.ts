import { startSallyport } from '../e2e/harness/sallyport.ts';
import { hosts } from './origins.ts';
import type { Proxy } from './proxy.ts';

/** Starts both doors; of loopback, which is denied by default, all but the address of `inside.test` is excepted. */
export async function startOurs(originPort: number): Promise<Proxy> {
  const names = Object.fromEntries(Object.entries(hosts).map(([name, address]) => [name, [address]]));
  const running = await startSallyport(`listeners:
  - { name: connect, mode: connect, bind: "127.0.0.1:0" }
  - { name: sni, mode: sni, bind: "127.0.0.1:0", port: ${originPort} }
policy:
  rules: [{ name: tests, action: allow, clients: [loopback] }]
  destinations: { allow: ["${hosts['origin.test']}", "${hosts['closed.test']}"] }
dns: { hosts: ${JSON.stringify(names)} }
admin: { bind: "127.0.0.1:0" }
`);
  return {
    port: (door) => running.port(door),
    stop: async () => {
      await running.stop();
    },
  };
}
