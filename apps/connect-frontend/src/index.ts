/** The explicit door. */
export { type ConnectAuth, createConnectFrontend, type ConnectFrontendOptions } from './frontend.ts';
