/** How a sentence says who decided. */
import { DEFAULT_NAME } from '@sallyport/config';

/** `the default` or `rule NAME`. */
export function deciderText(name: string): string {
  return name === DEFAULT_NAME ? 'the default' : `rule ${name}`;
}
