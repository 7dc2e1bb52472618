/** All proxies that are measured. */
import { haproxy, haproxyWithSplice } from './haproxy.ts';
import { nginxPeers } from './nginx.ts';
import { nginxConnectPeers } from './nginx-connect.ts';
import { nodePipe } from './node-pipe.ts';
import type { FoundPeer } from './peer.ts';
import { sallyportPeers } from './sallyport.ts';
import { squid } from './squid.ts';
import { tinyproxy } from './tinyproxy.ts';

/** Looks for the peers with these ids, or for all of them. */
export function findPeers(ids: readonly string[]): readonly FoundPeer[] {
  const all = [
    ...sallyportPeers,
    ...nginxPeers,
    ...nginxConnectPeers,
    haproxy,
    haproxyWithSplice,
    squid,
    tinyproxy,
    nodePipe,
  ];
  const unknown = ids.filter((id) => !all.some((peer) => peer.id === id));
  if (unknown.length > 0)
    throw new Error(`no such peer: ${unknown.join(', ')}; there are ${all.map(({ id }) => id).join(', ')}`);
  return all.filter(({ id }) => ids.length === 0 || ids.includes(id)).map((peer) => ({ peer, found: peer.find() }));
}
