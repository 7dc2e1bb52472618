/** The TLS alert by which a door refuses a client. */
import { ALERT, type AlertName, REFUSALS, type Refusal, type RefusalReason } from './reasons.ts';

/** The alert for a client that uses TLS. Undefined where the table says to close without one. */
export function refusalAlert(reason: RefusalReason): Uint8Array | undefined {
  const { alert }: Refusal = REFUSALS[reason];
  return alert && encodeAlert(alert);
}

/**
 * A fatal alert in one plaintext record: type 21, version 0x0303, length 2, level 2, description (RFC 8446 §5.1, §6).
 *
 * The version is the one that TLS 1.2 and 1.3 share on the wire; a client still waiting for its ServerHello takes the alert
 * whatever version it offered.
 */
export function encodeAlert(name: AlertName): Uint8Array {
  return Uint8Array.of(21, 0x03, 0x03, 0, 2, 2, ALERT[name]);
}
