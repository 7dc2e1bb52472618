/** Redraws the screen until it is told to stop, then restores the terminal. */
import { messageOf } from '../exit.ts';
import type { AdminClient } from './admin-client.ts';
import { type Asking, askAll, type Seen } from './asking.ts';
import { drawScreen } from './draw-screen.ts';

const EVERY_MS = 1_000;

/** The alternate screen without a cursor, and back (xterm control sequences). */
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
/** Before a line: behind one that fills the screen's width it would erase its last character. */
const CLEAR_LINE = '\x1b[K';
const TO_END_OF_SCREEN = '\x1b[J';

const CHOICES: Readonly<Record<string, Partial<Asking>>> = {
  b: { sort: 'bytes' },
  a: { sort: 'age' },
  r: { sort: 'rate' },
  d: { verdict: 'deny' },
  w: { verdict: 'report' },
};

const QUIT = ['q', 'Q', '\x03', '\x1b'];

/** Resolves when a key or a signal ends it. */
export async function watchScreen(client: AdminClient, first: Seen): Promise<void> {
  const { stdin, stdout } = process;
  let seen = first;
  let asking = first.asking;
  const draw = (): void => void stdout.write(frame(seen));
  const renew = async (): Promise<void> => {
    const asked = asking;
    try {
      const next = await askAll(client, asked, seen.status);
      if (asked === asking) seen = next;
    } catch (cause) {
      seen = { ...seen, failure: messageOf(cause) };
    }
    draw();
  };
  stdout.write(ENTER);
  stdin.setRawMode(true);
  stdin.setEncoding('utf8');
  stdout.on('resize', draw);
  draw();
  const timer = setInterval(() => void renew(), EVERY_MS);
  await new Promise<void>((resolve) => {
    stdin.on('data', (keys: string) => {
      // An arrow key is one piece that begins with ESC. ESC alone is the key of that name.
      if (QUIT.includes(keys)) resolve();
      const choice = CHOICES[keys];
      if (choice === undefined) return;
      asking = { ...asking, ...choice };
      void renew();
    });
    stdin.on('end', resolve);
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  clearInterval(timer);
  stdin.setRawMode(false);
  stdin.pause();
  stdout.write(LEAVE);
}

function frame(seen: Seen): string {
  const { columns, rows } = process.stdout;
  // A terminal that does not know its size reports 0.
  const hasColours = process.env['NO_COLOR'] === undefined;
  const screen = { columns: columns || 80, rows: rows || 24, hasColours, hasKeys: true };
  const lines = drawScreen(seen, screen).map((line) => `${CLEAR_LINE}${line}`);
  return `${HOME}${lines.join('\r\n')}${TO_END_OF_SCREEN}`;
}
