/** A proxy of somebody else: which version the table speaks of, and how it is told to forward. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { Door } from './claims.ts';

/** Somebody else's proxy, as Debian has it. */
export interface Peer {
  readonly program: 'nginx' | 'haproxy' | 'squid';
  /** Asks the program for its version. */
  readonly versionFlag: string;
  /** Files without which it cannot do it. */
  readonly needs: readonly string[];
  /** The release that the table speaks of: another one may well answer otherwise. */
  readonly release: string;
  readonly door: Door;
  /** Its configuration and command line, plain, as its manual shows for this door. */
  configure(place: Place): Command;
}

/** Where a peer is to work, and what is there. */
export interface Place {
  /** The peer's own, and the working folder of its process. */
  readonly folder: string;
  /** Where its one door is to be. */
  readonly port: number;
  /** Where destinations listen: a client of the SNI door cannot say. */
  readonly originPort: number;
  /** A name server on 127.0.0.1, which knows `hosts`. */
  readonly nameServerPort: number;
  /** The names that resolve, for those who cannot ask a name server on any port but 53. */
  readonly hosts: Readonly<Record<string, string>>;
  /** One more line, where it has effect; empty for a plain configuration. */
  readonly extra: string;
}

/** How a peer is started. */
export interface Command {
  readonly args: readonly string[];
  /** Files to lay in the folder: name to text. */
  readonly files: Readonly<Record<string, string>>;
}

/** Why there is nothing to ask on this machine; undefined where there is. */
export function whyNotTested({ program, versionFlag, release, needs }: Peer): string | undefined {
  const { error, stdout, stderr } = spawnSync(program, [versionFlag], { encoding: 'utf8' });
  if (error) return `${program} is not installed`;
  const found = /\d+\.\d+/.exec(`${stdout}${stderr}`)?.[0];
  if (found !== release)
    return `this is ${program} ${found ?? 'of an unknown version'}, the table speaks of ${release}`;
  const missing = needs.find((file) => !existsSync(file));
  return missing === undefined ? undefined : `${missing} is not installed`;
}
