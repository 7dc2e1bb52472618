/** Sets the metrics that show configured values. Alerts compare the traffic with them. */
import type { Services } from './services.ts';
import type { Settings } from './settings.ts';

export function showSettings(
  { config, identities }: Pick<Settings, 'config' | 'identities'>,
  { limits, metrics }: Pick<Services, 'limits' | 'metrics'>,
): void {
  for (const listener of config.listeners) {
    const shown = metrics.forListener(listener.name);
    shown.tunnelsLimit(limits.tunnelsHeld(listener), listener.limits.tunnels);
    shown.certificateExpires(identities.get(listener.name)?.tls?.validTo);
  }
}
