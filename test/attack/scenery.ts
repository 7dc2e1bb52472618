/** The world beyond the proxy: a name server, an echo, hostile origins of plain HTTP, and one that nobody may reach. */
import { FORBIDDEN_ADDRESS } from './configuration.ts';
import { HOSTILE } from './hostile-origins.ts';
import { listen } from './listen.ts';
import { openNameServer } from './name-server.ts';

const originPort = await listen((socket) => socket.pipe(socket));
await listen(() => process.send?.({ leak: true }), FORBIDDEN_ADDRESS, originPort);
const hostile: Record<string, number> = {};
for (const [name, serve] of Object.entries(HOSTILE)) hostile[name] = await listen(serve);
const nameServerPort = await openNameServer();
process.send?.({ originPort, nameServerPort, hostile });
