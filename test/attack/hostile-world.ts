/** The hostile origins, in a process of their own: how busy they are must not be taken for how slow the proxy is. */
import { HOSTILE } from './hostile-origins.ts';
import { listen } from './listen.ts';

const hostile: Record<string, number> = {};
for (const [name, serve] of Object.entries(HOSTILE)) hostile[name] = await listen(serve);
process.send?.({ hostile });
