/** The process that has started this one. */
import { readFileSync } from 'node:fs';

/** Its name (proc(5), comm); undefined where there is no /proc, or it has ended. */
export function parentName(): string | undefined {
  try {
    return readFileSync(`/proc/${process.ppid}/comm`, 'utf8').trimEnd();
  } catch {
    return undefined;
  }
}

/** For `npm start`, npx and the like: npm gives its process a title. */
export function isNpm(name: string | undefined): boolean {
  return name?.startsWith('npm ') === true;
}
