/** ClientHellos, built by the harness's own module, which has no dependencies. */
export { clientHello, helloFor, serverName } from '../e2e/harness/hello.ts';
