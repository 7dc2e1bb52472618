/** Resolves names to addresses: servers, cache, hosts files, special names. Read resolver.ts first. */
export type { Answer, ClientKey, Rest, Waiting } from './answer.ts';
export { Resolver } from './resolver.ts';
