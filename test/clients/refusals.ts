/** The refusals that a person meets, and a configuration that has them all. */

export interface Refusal {
  readonly name: string;
  readonly door: 'explicit' | 'login' | 'transparent';
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port?: number;
  /** The TLS alert, where no HTTP is spoken. */
  readonly alert?: string;
}

export const REFUSALS: readonly Refusal[] = [
  { name: 'policy', door: 'explicit', scheme: 'https', host: 'nope.test' },
  { name: 'policy, a near miss', door: 'explicit', scheme: 'https', host: 'registry.test', port: 8443 },
  { name: 'policy, with `message`', door: 'explicit', scheme: 'https', host: 'upload.test' },
  { name: 'policy, with a long `message`', door: 'explicit', scheme: 'https', host: 'paste.test' },
  { name: 'address', door: 'explicit', scheme: 'https', host: 'internal.test' },
  { name: 'dns', door: 'explicit', scheme: 'https', host: 'nowhere.test' },
  { name: 'auth', door: 'login', scheme: 'https', host: 'registry.test' },
  { name: 'policy, plain HTTP', door: 'explicit', scheme: 'http', host: 'nope.test' },
  { name: 'method', door: 'login', scheme: 'http', host: 'nope.test' },
  { name: 'policy, transparent', door: 'transparent', scheme: 'https', host: 'nope.test', alert: 'access_denied' },
  { name: 'dns, transparent', door: 'transparent', scheme: 'https', host: 'nowhere.test', alert: 'unrecognized_name' },
  { name: 'not_tls, transparent', door: 'transparent', scheme: 'http', host: 'nope.test' },
];

export function configuration(nameServerPort: number): string {
  return `
listeners:
  - { name: explicit, mode: connect, bind: '127.0.0.1:0', http: forward }
  - { name: login, mode: connect, bind: '127.0.0.1:0', auth: { users_file: users.htpasswd } }
  - { name: transparent, mode: sni, bind: '127.0.0.1:0' }
policy:
  default: deny
  rules:
    - name: no-uploads
      action: deny
      hosts: [upload.test]
      message: 'Uploads go through the artefact store, not {host}.'
    - name: no-pastes
      action: deny
      hosts: [paste.test]
      message: >-
        Don't paste: the "café" wiki – https://wiki.test/pastes – says what may leave, who says so, and how to ask for {host}. Questions, and
        requests for {rule}, go to the egress team, Zoë Müller, who answers within a day: #egress, or egress@wiki.test
    - name: registries
      action: allow
      hosts: [registry.test, internal.test, nowhere.test]
      ports: [80, 443]
admin: { bind: '127.0.0.1:0' }
dns:
  servers: ['127.0.0.1:${nameServerPort}']
  hosts: { internal.test: ['10.1.2.3'] }
`;
}
