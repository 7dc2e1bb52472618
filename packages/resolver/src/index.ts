/** Resolves names to addresses: servers, cache, hosts files, special names. Read resolver.ts first. */
export type { Answer, ClientKey, Rest, Waiting } from './answer.ts';
export { type Confirmation, Resolver } from './resolver.ts';
