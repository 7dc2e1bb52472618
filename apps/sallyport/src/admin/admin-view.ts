/** The running program, as far as the admin API shows it. */
import type { Services } from '../services.ts';
import type { Settings } from '../settings.ts';
import type { StatusReply } from './api.ts';
import type { TrafficHistory } from './history.ts';

export interface AdminView {
  readonly services: Services;
  readonly history: TrafficHistory;
  /** Those in force: a reload exchanges them. */
  readonly settings: () => Settings;
  readonly state: () => StatusReply['state'];
  readonly lastReload: () => StatusReply['reload'];
}
