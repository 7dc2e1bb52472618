/** Checks the keys about egresses, together. */
import * as z from 'zod';
import type { ConfigPath, Problem } from './problems.ts';
import { DIRECT } from './schema/egress.ts';
import { readEgressName } from './schema/names.ts';
import { hintAtNames } from './suggest.ts';
import { isFlag } from './units.ts';

/** Reads only the keys it needs, so that it also runs on a file with other faults. */
export function findUnmetEgresses(value: unknown): Problem[] {
  const file = looseFile.parse(value);
  const known = [DIRECT, ...file.egress.flatMap(({ name }) => name ?? [])];
  return [
    ...findUnfitNames(file),
    ...file.egress.flatMap(findHalfKeys),
    ...findUnknown(file.default_egress, known, ['default_egress']),
    ...file.policy.rules.flatMap(({ egress }, at) => findUnknown(egress, known, ['policy', 'rules', at, 'egress'])),
    ...findUnusedChoices(file),
    ...findNeverTried(file.default_egress, file, ['default_egress']),
    ...file.policy.rules.flatMap(({ egress }, at) => findNeverTried(egress, file, ['policy', 'rules', at, 'egress'])),
  ];
}

const text = z.string().optional().catch(undefined);
const looseEgress = z
  .object({
    name: text,
    type: text,
    username: z.unknown().optional(),
    password: z.unknown().optional(),
    tls: z.union([z.boolean(), z.string()]).optional().catch(undefined),
    ca: z.unknown().optional(),
  })
  .catch({});
/** Of another word, the schema says that it is no name. */
const reference = z.string().refine((name) => readEgressName(name).kind === 'ok');
const looseChoice = z
  .union([reference, z.array(reference.optional().catch(undefined))])
  .optional()
  .catch(undefined);
const looseRule = z.object({ action: text, egress: looseChoice }).catch({});
const looseFile = z
  .object({
    egress: z.array(looseEgress).catch([]),
    default_egress: looseChoice,
    policy: z.object({ rules: z.array(looseRule).catch([]) }).catch({ rules: [] }),
  })
  .catch({ egress: [], policy: { rules: [] } });

type LooseFile = z.output<typeof looseFile>;

function findUnfitNames({ egress }: LooseFile): Problem[] {
  const seen = new Set<string>();
  return egress.flatMap(({ name }, index): Problem[] => {
    const path = ['egress', index, 'name'];
    if (name === undefined) return [];
    if (name === DIRECT) {
      return [
        { severity: 'error', path, message: `${DIRECT} is there already, as the direct egress; choose another name` },
      ];
    }
    if (seen.has(name)) {
      const message = `an egress named ${JSON.stringify(name)} is there already; names are unique`;
      return [{ severity: 'error', path, message }];
    }
    seen.add(name);
    return [];
  });
}

function findHalfKeys({ type, username, password, tls, ca }: LooseFile['egress'][number], index: number): Problem[] {
  const problem = (key: string, message: string): Problem => ({
    severity: 'error',
    path: ['egress', index, key],
    message,
  });
  const problems: Problem[] = [];
  if (username !== undefined && password === undefined) problems.push(problem('username', 'username needs a password'));
  if (password !== undefined && username === undefined) problems.push(problem('password', 'password needs a username'));
  if (type === 'http' && typeof username === 'string' && username.includes(':')) {
    problems.push(problem('username', 'the user name has a colon, which Basic credentials cannot hold (RFC 7617)'));
  }
  if (ca !== undefined && !isFlag(tls, true)) problems.push(problem('ca', 'ca needs tls: true'));
  return problems;
}

function findUnknown(choice: LooseFile['default_egress'], known: readonly string[], path: ConfigPath): Problem[] {
  const names = typeof choice === 'string' ? [choice] : (choice ?? []);
  return names.flatMap((name, at): Problem[] => {
    const here = typeof choice === 'string' ? path : [...path, at];
    if (name === undefined) return [];
    if (!known.includes(name)) {
      const message = `no egress is named ${JSON.stringify(name)}${hintAtNames(name, known)}`;
      return [{ severity: 'error', path: here, message }];
    }
    if (names.indexOf(name) === at) return [];
    return [{ severity: 'error', path: here, message: `${name} stands in the list already; remove it` }];
  });
}

/** A denied request uses no egress. */
function findUnusedChoices({ policy }: LooseFile): Problem[] {
  return policy.rules.flatMap(({ action, egress }, at): Problem[] => {
    if (action !== 'deny' || egress === undefined) return [];
    const message = 'a rule that denies has no egress; remove it, or allow';
    return [{ severity: 'error', path: ['policy', 'rules', at, 'egress'], message }];
  });
}

function findNeverTried(choice: LooseFile['default_egress'], { egress }: LooseFile, path: ConfigPath): Problem[] {
  const names = typeof choice === 'string' ? [choice] : (choice ?? []);
  const tried = triedInTurn(names, egress);
  const never = names[tried.length];
  // One that stands in the list twice is told of as that.
  if (never === undefined || tried.includes(never)) return [];
  const message = `${never} is never tried: ${String(tried.at(-1))} before it is no parent, and only a parent can be down`;
  return [{ severity: 'warning', path: [...path, tried.length], message }];
}

interface KnownEgress {
  readonly name?: string | undefined;
  readonly type?: string | undefined;
}

/** Whether the upstream of a tunnel by this egress is the destination, and no parent. */
export function isDirect(name: string | undefined, egress: readonly KnownEgress[]): boolean {
  return name === DIRECT || egress.some((known) => known.name === name && known.type === 'direct');
}

/** The names of a list that are ever tried. It ends at its first direct egress, for only a parent can be down. */
export function triedInTurn<Name extends string | undefined>(
  names: readonly Name[],
  egress: readonly KnownEgress[],
): readonly Name[] {
  const end = names.findIndex((name) => isDirect(name, egress));
  return end < 0 ? names : names.slice(0, end + 1);
}
