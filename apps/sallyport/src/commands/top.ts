import type { Command, OptionValues } from '../command-line.ts';
import { EXIT, type ExitCode, FatalError, messageOf } from '../exit.ts';
import { print } from '../print.ts';
import { AdminClient, readAdminPlace } from '../top/admin-client.ts';
import { type Asking, askAll, type Seen } from '../top/asking.ts';
import { drawScreen } from '../top/draw-screen.ts';
import { watchScreen } from '../top/watch-screen.ts';

const DEFAULT_ADMIN = 'http://127.0.0.1:9128';

export const topCommand: Command = {
  name: 'top',
  summary: 'Shows live tunnels and denials of a running proxy in the terminal.',
  details: `Keys: b, a, r sort tunnels by bytes, age, rate; d shows what was denied, w what report_only let pass; q ends it.
Where the output is no terminal, it prints once what there is.`,
  options: {
    admin: {
      value: 'URL',
      about: `the admin server: http://host:port, or unix:PATH; left out: ${DEFAULT_ADMIN}`,
      isRequired: false,
    },
  },
  execute: showTop,
};

async function showTop({ admin = DEFAULT_ADMIN }: OptionValues): Promise<ExitCode> {
  const place = readAdminPlace(admin);
  if (place === undefined)
    throw new FatalError(
      `--admin ${admin} is neither http://host:port nor unix:PATH (see sallyport top --help)`,
      EXIT.usage,
    );
  const client = new AdminClient(place);
  const asking: Asking = { sort: 'bytes', verdict: 'deny' };
  const first = await askAll(client, asking).catch((cause: unknown) => {
    throw new FatalError(
      `nothing to show from ${admin}: ${messageOf(cause)}; is the proxy running, and is this its admin.bind? See --admin`,
      EXIT.failure,
      cause,
    );
  });
  if (process.stdout.isTTY && process.stdin.isTTY) await watchScreen(client, first);
  else await print(printOnce(first));
  return EXIT.ok;
}

/** Wide enough for everything, and without colours. */
function printOnce(seen: Seen): string {
  return `${drawScreen(seen, { columns: 132, rows: 66, hasColours: false, hasKeys: false }).join('\n')}\n`;
}
