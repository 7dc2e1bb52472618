/** Finds rules for users at doors that do not authenticate clients. */
import { type PolicyConfig, type Problem, ruleName } from '@sallyport/config';
import { knowsItsClients } from './open-proxy.ts';

interface ListenerConfig {
  readonly name: string;
  readonly auth?: unknown;
  readonly tls?: { readonly client_ca?: unknown };
}

/** Warns of each rule with `users` that none of its listeners can match, because none authenticates clients. */
export function lintUnmetUsers(config: {
  readonly listeners: readonly ListenerConfig[];
  readonly policy: PolicyConfig;
}): readonly Problem[] {
  const asking = config.listeners.filter(knowsItsClients).map(({ name }) => name);
  return config.policy.rules.flatMap((rule, number) => {
    const { users, listeners } = rule;
    if (!users || users.length === 0) return [];
    if (listeners ? listeners.some((listener) => asking.includes(listener)) : asking.length > 0) return [];
    const message =
      `rule ${ruleName(rule, number)} can never match: none of its listeners asks clients who they are; ` +
      `give one auth or tls.client_ca, or remove users`;
    return [{ severity: 'warning', path: ['policy', 'rules', number, 'users'], message }];
  });
}
