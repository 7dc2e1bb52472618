/** The world of honest clients: a name server and an echo; and the origin that nobody may reach. */
import { FORBIDDEN_ADDRESS } from './configuration.ts';
import { listen } from './listen.ts';
import { openNameServer } from './name-server.ts';

const originPort = await listen((socket) => socket.pipe(socket));
await listen(() => process.send?.({ leak: true }), FORBIDDEN_ADDRESS, originPort);
process.send?.({ originPort, nameServerPort: await openNameServer() });
