/** One look-up: a name, made absolute by the search list, put to the name servers for both families. */
import type { DeadlineMs } from '@sallyport/tunnel-splice';
import type { Family } from './answer.ts';
import { askFamilies, type FamilyReplies } from './families.ts';
import type { ServerReply } from './name-server.ts';
import { searchNames } from './resolv-conf.ts';
import type { NameSource } from './system-names.ts';

export interface LookUp {
  readonly reply: ServerReply;
  /** What `reply` becomes when the slower family has answered too, if it was not waited for. */
  readonly late?: FamilyReplies['whole'];
}

export interface LookUpOptions {
  readonly family: Family;
  readonly deadline: DeadlineMs;
}

/**
 * Asks for each name of the search list until one exists. Never rejects. A failure ends the search: that a server was
 * silent must not make a name mean another host than it meant a minute ago.
 */
export async function lookUpName(
  name: string,
  source: NameSource,
  { family, deadline }: LookUpOptions,
): Promise<LookUp> {
  for (const candidate of searchNames(name, source)) {
    const { soon, whole } = askFamilies((type) => source.servers.ask(candidate, type, deadline), family);
    const reply = await soon;
    if (reply.kind === 'records') return { reply, late: whole };
    if (reply.kind === 'failed') return { reply };
  }
  return { reply: { kind: 'none' } };
}
