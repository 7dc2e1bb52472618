/** Ways past the list to a host that a rule denies; the forbidden origin counts the clients that reach it. */
import { FORBIDDEN_ADDRESS, FORBIDDEN_HOST } from '../configuration.ts';
import { call, firstWords } from '../client.ts';
import { helloFor } from '../hello.ts';
import type { Places } from '../stage.ts';
import type { Case } from './all.ts';

const SPELLINGS = [
  FORBIDDEN_HOST,
  'FORBIDDEN.test',
  `${FORBIDDEN_HOST}.`,
  FORBIDDEN_ADDRESS,
  '127.99',
  '0x7f000063',
  '2130706531',
  '0177.0.0.143',
  `[::ffff:${FORBIDDEN_ADDRESS}]`,
  '[::ffff:7f00:63]',
  '[::127.0.0.99]',
  '[64:ff9b::7f00:63]',
];

export const bypassCases: Readonly<Record<string, Case>> = {
  'forbidden: by CONNECT': (places) => (round) =>
    say(places, 'explicit', connectTo(places, SPELLINGS[round % SPELLINGS.length])),
  'forbidden: by plain HTTP': (places) => (round) => {
    const target = `${SPELLINGS[round % SPELLINGS.length]}:${places.originPort}`;
    return say(places, 'explicit', `GET http://${target}/ HTTP/1.1\r\nHost: ${target}\r\n\r\n`);
  },
  'forbidden: behind an allowed one': (places) => async (round) => {
    const allowed = `127.0.0.1:${places.answeringPort}`;
    const target = `${SPELLINGS[round % SPELLINGS.length]}:${places.originPort}`;
    const first = `GET http://${allowed}/ HTTP/1.1\r\nHost: ${allowed}\r\n\r\n`;
    await say(places, 'explicit', `${first}GET http://${target}/ HTTP/1.1\r\nHost: ${allowed}\r\n\r\n`);
  },
  'forbidden: by Host at the other door': (places) => (round) =>
    say(
      places,
      'transparent',
      `GET / HTTP/1.1\r\nHost: ${SPELLINGS[round % SPELLINGS.length]}:${places.originPort}\r\n\r\n`,
    ),
  'forbidden: by SNI': (places) => (round) =>
    say(places, 'transparent', helloFor(SPELLINGS[round % SPELLINGS.length] ?? FORBIDDEN_HOST)),
  'forbidden: at the wrong door': (places) => (round) =>
    say(places, 'transparent', connectTo(places, SPELLINGS[round % SPELLINGS.length])),
};

function connectTo({ originPort }: Places, host = FORBIDDEN_HOST): string {
  return `CONNECT ${host}:${originPort} HTTP/1.1\r\nHost: ${host}:${originPort}\r\n\r\n`;
}

async function say({ ports }: Places, door: string, words: string | Uint8Array): Promise<void> {
  const socket = await call(ports[door] ?? 0, words);
  await firstWords(socket, 500);
  socket.destroy();
}
