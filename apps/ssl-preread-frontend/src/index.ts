/** The transparent door. */
export { createSslPrereadFrontend, type SslPrereadFrontendOptions } from './frontend.ts';
export { readHello } from './read-hello.ts';
