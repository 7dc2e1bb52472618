/** ClientHellos: the harness's own, which stands alone. */
export { clientHello, helloFor, serverName } from '../e2e/harness/hello.ts';
