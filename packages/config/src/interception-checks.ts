/** Checks the keys about intercepted connections, together and against the engine. */
import * as z from 'zod';
import type { Problem } from './problems.ts';

/** Reads only the keys it needs, so that it also runs on a file with other faults. */
export function findUnmetInterception(file: unknown): Problem[] {
  const { listeners, runtime } = looseFile.parse(file);
  return listeners.flatMap((listener, index) => {
    if (listener.mode !== 'sni') return [];
    const unmet = [
      ...findUnmetNeeds(listener),
      ...(runtime.user !== undefined && listener.source === 'client' ? [NO_RIGHT_LEFT] : []),
      ...(runtime.engine === 'portable' ? whyNotPortable(listener) : []),
    ];
    return unmet.map(([key, message]): Problem => ({ severity: 'error', path: ['listeners', index, key], message }));
  });
}

const text = z.string().optional().catch(undefined);
const looseListener = z
  .object({
    mode: text,
    bind: z.union([z.string().transform((one) => [one]), z.array(z.string())]).catch([]),
    intercept: text,
    source: text,
    dial: text,
    verify_sni: text,
    without_sni: text,
  })
  .catch({ mode: undefined, bind: [] });
const looseFile = z
  .object({
    listeners: z.array(looseListener).catch([]),
    runtime: z.object({ engine: text, user: text }).catch({}).prefault({}),
  })
  .catch({ listeners: [], runtime: {} });

const NO_RIGHT_LEFT: Unmet = [
  'source',
  'source: client needs CAP_NET_ADMIN for every dial, which runtime.user gives up; have systemd start it as that user (configs/systemd/tproxy.conf)',
];

type LooseListener = z.output<typeof looseListener>;
type Unmet = readonly [key: string, message: string];

function findUnmetNeeds({ intercept = 'none', source, dial, verify_sni, without_sni }: LooseListener): Unmet[] {
  const unmet: Unmet[] = [];
  if (source === 'client' && intercept !== 'tproxy') {
    unmet.push(['source', 'source: client needs intercept: tproxy, for only its routing brings the answers back here']);
  }
  if (intercept !== 'none') return unmet;
  const need = 'needs intercept: redirect or tproxy; without it, the destination of the client is unknown';
  if (dial === 'original') unmet.push(['dial', `dial: original ${need}`]);
  if (verify_sni === 'report' || verify_sni === 'enforce') unmet.push(['verify_sni', `verify_sni ${need}`]);
  if (without_sni === 'original') unmet.push(['without_sni', `without_sni: original ${need}`]);
  return unmet;
}

/** What the portable engine cannot do of a listener, if anything: the key and the reason. */
export function whyNotPortable({
  intercept,
  source,
  bind,
}: Pick<LooseListener, 'intercept' | 'source' | 'bind'>): Unmet[] {
  // Node.js can neither read SO_ORIGINAL_DST nor set IP_TRANSPARENT. It can use a socket that was passed with the latter set.
  const unmet: Unmet[] = [];
  if (intercept === 'redirect') {
    unmet.push([
      'intercept',
      'intercept: redirect needs the native engine; set runtime.engine to native, or use tproxy',
    ]);
  }
  if (intercept === 'tproxy' && !bind.every((one) => one.startsWith('systemd:'))) {
    const remedy = 'bind it to systemd:NAME (a socket unit with Transparent=yes), or set runtime.engine to native';
    unmet.push([
      'intercept',
      `intercept: tproxy needs a socket passed by systemd under the portable engine; ${remedy}`,
    ]);
  }
  if (source === 'client') {
    unmet.push(['source', 'source: client needs the native engine; set runtime.engine to native, or source to proxy']);
  }
  return unmet;
}
