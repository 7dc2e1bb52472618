/** The explicit door. */
export { createConnectFrontend, type ConnectFrontendOptions } from './frontend.ts';
