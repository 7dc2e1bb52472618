/** The transparent door. */
export { createSslPrereadFrontend, type SslPrereadFrontendOptions } from './frontend.ts';
export { readHello, type HelloFound } from './read-hello.ts';
