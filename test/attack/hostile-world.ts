/** The hostile origins, in a process of their own, so that their load is not measured as the proxy's delay. */
import { HOSTILE } from './hostile-origins.ts';
import { listen } from './listen.ts';

const hostile: Record<string, number> = {};
for (const [name, serve] of Object.entries(HOSTILE)) hostile[name] = await listen(serve);
process.send?.({ hostile });
