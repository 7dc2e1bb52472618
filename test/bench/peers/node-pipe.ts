/** The simplest proxy in plain Node: `client.pipe(upstream).pipe(client)`. */
import { join } from 'node:path';
import { buildFolder } from '../places.ts';
import { everyScenario, type Peer } from './peer.ts';

export const nodePipe: Peer = {
  id: 'node-pipe',
  label: 'plain Node `pipe`',
  doors: ['sni', 'connect'],
  scenarios: [...everyScenario, 'garbage'],
  find: () => ({
    kind: 'present',
    version: `Node ${process.versions.node}`,
    configure: ({ ports, originPort }) => ({
      argv: [
        process.execPath,
        join(buildFolder, 'peers', 'node-pipe-proxy.js'),
        ...[ports.sni, ports.connect, originPort].map(String),
      ],
      files: {},
    }),
  }),
};
