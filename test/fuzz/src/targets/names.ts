/** The targets by name. */

export const TARGET_NAMES = [
  'connect-head',
  'client-hello',
  'hello-marks',
  'host',
  'proxy-header',
  'connect-reply',
  'config',
  'transports',
] as const;

export type TargetName = (typeof TARGET_NAMES)[number];

export function isTargetName(text: string): text is TargetName {
  return TARGET_NAMES.some((name) => name === text);
}
