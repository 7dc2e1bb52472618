/** The configuration under attack: every kind of door, all of them on loopback. */

export const USER = 'ci';
export const PASSWORD = 'a good one';

/** Reached only past the policy: it stands for a rule that denies. */
export const FORBIDDEN_HOST = 'forbidden.test';
export const FORBIDDEN_ADDRESS = '127.0.0.99';

export interface Surroundings {
  readonly engine: 'native' | 'portable';
  readonly nameServerPort: number;
  readonly originPort: number;
}

export function configuration({ engine, nameServerPort, originPort }: Surroundings): string {
  return `listeners:
  - { name: explicit, mode: connect, bind: "127.0.0.1:0", http: forward }
  - { name: transparent, mode: sni, bind: "127.0.0.1:0", port: ${originPort}, http: forward }
  - { name: credentials, mode: connect, bind: "127.0.0.1:0", auth: { users_file: users.htpasswd } }
  - { name: secured, mode: connect, bind: "127.0.0.1:0", tls: { cert: proxy.crt, key: proxy.key }, limits: { new_per_client: "20/s" } }
  - { name: checked, mode: connect, bind: "127.0.0.1:0", verify_sni: enforce }
policy:
  rules:
    - { name: forbidden, action: deny, hosts: ["${FORBIDDEN_HOST}"] }
    - { name: forbidden-address, action: deny, networks: ["${FORBIDDEN_ADDRESS}"] }
    - { name: attack, action: allow, clients: [loopback] }
  destinations: { allow: [loopback] }
dns:
  servers: ["127.0.0.1:${nameServerPort}"]
  hosts: { "origin.test": ["127.0.0.1"], "${FORBIDDEN_HOST}": ["${FORBIDDEN_ADDRESS}"] }
limits: { tunnels_per_client: 4000, handshake_bytes: 64KiB }
admin: { bind: "127.0.0.1:0" }
runtime: { engine: ${engine} }
`;
}
