/** The part of the running program that the admin API shows. */
import type { Services } from '../services.ts';
import type { Settings } from '../settings.ts';
import type { StatusReply } from './api.ts';
import type { TrafficHistory } from './history.ts';

export interface AdminView {
  readonly services: Services;
  readonly history: TrafficHistory;
  /** Those in force: a reload replaces them. */
  readonly settings: () => Settings;
  readonly state: () => StatusReply['state'];
  readonly lastReload: () => StatusReply['reload'];
}
