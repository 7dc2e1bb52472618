/** The servers for honest clients: a name server, an echo, an origin of plain HTTP; and the forbidden origin. */
import { FORBIDDEN_ADDRESS } from './configuration.ts';
import { afterRequest } from './hostile-origins.ts';
import { listen } from './listen.ts';
import { openNameServer } from './name-server.ts';

const originPort = await listen((socket) => socket.pipe(socket));
await listen(() => process.send?.({ leak: true }), FORBIDDEN_ADDRESS, originPort);
const answeringPort = await listen(
  afterRequest((socket) => {
    socket.resume();
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
  }),
);
process.send?.({ originPort, answeringPort, nameServerPort: await openNameServer() });
