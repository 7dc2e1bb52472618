/** Checks the keys that say how clients arrive, together. */
import * as z from 'zod';
import { readBind } from './addresses.ts';
import type { Problem } from './problems.ts';
import { isFlag } from './units.ts';

/** Reads only the keys it needs, so that it also runs on a file with other faults. */
export function findUnmetArrivals(value: unknown): Problem[] {
  return looseFile.parse(value).listeners.flatMap(({ bind, dual_stack, proxy_protocol, intercept }, at) => {
    const problem = (key: string, message: string): Problem => ({
      severity: 'error',
      path: ['listeners', at, key],
      message,
    });
    const problems: Problem[] = [];
    if (isFlag(dual_stack, true) && !bind.some(isIpv6Wildcard)) {
      const why = 'no bind here can take both families (of a socket of systemd, BindIPv6Only= says which it takes)';
      problems.push(problem('dual_stack', `${why}; write bind: "[::]:PORT"`));
    }
    if (proxy_protocol !== undefined && (intercept ?? 'none') !== 'none') {
      problems.push(
        problem('proxy_protocol', 'clients that are intercepted come by no balancer; remove one of the two keys'),
      );
    }
    return problems;
  });
}

const looseListener = z
  .object({
    bind: z.union([z.string().transform((one) => [one]), z.array(z.string())]).catch([]),
    dual_stack: z.union([z.boolean(), z.string()]).optional().catch(undefined),
    proxy_protocol: z.unknown().optional(),
    intercept: z.string().optional().catch(undefined),
  })
  .catch({ bind: [] });
const looseFile = z.object({ listeners: z.array(looseListener).catch([]) }).catch({ listeners: [] });

function isIpv6Wildcard(bind: string): boolean {
  const read = readBind(bind);
  return read.kind === 'ok' && read.value.host === '::';
}
