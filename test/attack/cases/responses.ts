/** Origins of plain HTTP that never come to an end, for clients that read and clients that do not. */
import { call, crowd } from '../client.ts';
import type { Case } from './all.ts';

const ENDLESS = [
  'informational',
  'one-byte-chunks',
  'zeros-in-chunk-size',
  'empty-lines',
  'endless-head',
  'endless-trailers',
];

export const responseCases: Readonly<Record<string, Case>> = Object.fromEntries(
  ENDLESS.flatMap((kind) => [
    [`response: ${kind}`, endless(kind, false)],
    [`response: ${kind}, not read`, endless(kind, true)],
  ]),
);

function endless(kind: string, isDeaf: boolean): Case {
  return ({ ports, hostile }) => {
    const port = hostile[kind] ?? 0;
    const request = `GET http://127.0.0.1:${port}/ HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`;
    return () => crowd(4, () => call(ports['explicit'] ?? 0, request, { isDeaf }), 1000);
  };
}
