/** Ctrl-C at a terminal. The kernel sends SIGINT to every process in the foreground, and npm passes its own on: the program gets two. */
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { configText } from '../harness/config-text.ts';
import { type Client, echoOrigin, openTunnel, type Origin } from '../harness/peers.ts';
import { type Running, startSallyport } from '../harness/sallyport.ts';

const AT_TERMINAL = ['python3', fileURLToPath(new URL('at-terminal.py', import.meta.url))];

let proxy: Running;
let echo: Origin;
let live: Client;
beforeEach(async () => {
  echo = await echoOrigin();
  proxy = await startSallyport(configText(), { under: AT_TERMINAL });
  live = await openTunnel(proxy.port('explicit'), `127.0.0.1:${echo.port}`);
});
afterEach(async () => {
  live.socket.destroy();
  echo.close();
  await proxy.stop();
});

const pressCtrlC = (): boolean => proxy.process.kill('SIGUSR1');

const exitCode = (): Promise<number | null> => new Promise((resolve) => proxy.process.once('close', resolve));

describe('Ctrl-C, below npm', () => {
  it('lets a live tunnel finish, then exits 0', async () => {
    const exit = exitCode();
    pressCtrlC();
    await proxy.line({ msg: 'draining' });
    live.socket.end('last words');
    await live.hears('last words');
    await live.ended();
    expect(await exit).toBe(0);
    expect(await proxy.tunnel({ port: echo.port })).toMatchObject({ reason: 'client_closed', outcome: 'ok' });
  });

  it('ends at once with exit 1 when it is pressed again', async () => {
    const exit = exitCode();
    pressCtrlC();
    await proxy.line({ msg: 'draining' });
    const impatience = setInterval(pressCtrlC, 200);
    expect(await exit).toBe(1);
    clearInterval(impatience);
    expect(await proxy.tunnel({ port: echo.port })).toMatchObject({ reason: 'drain' });
  });
});
