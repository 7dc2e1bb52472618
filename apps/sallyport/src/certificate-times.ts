/** Whether certificates are valid at this moment. */
import { readCertificates } from '@sallyport/tunnel-splice';

/**
 * Why a certificate cannot be used yet, or any more: a clause with the remedy. Undefined where it is valid.
 * @param pem the certificate, which those that lead to its authority may follow
 */
export function whyCertificateUntimely(pem: string): string | undefined {
  return whyUntimely(readCertificates(pem).slice(0, 1));
}

/** The same of a file of authorities. Many keep old ones beside the new, so one that is valid is enough. */
export function whyAuthoritiesUntimely(pem: string): string | undefined {
  return whyUntimely(readCertificates(pem));
}

function whyUntimely(certificates: ReturnType<typeof readCertificates>): string | undefined {
  const spans = certificates
    .filter((certificate) => certificate !== undefined)
    .map(({ validFrom, validTo }) => ({ from: Date.parse(validFrom), to: Date.parse(validTo) }));
  const now = Date.now();
  if (spans.length === 0 || spans.some(({ from, to }) => from <= now && now <= to)) return undefined;
  const later = spans.filter(({ from }) => from > now);
  if (later.length === 0) return `expired at ${dateText(Math.max(...spans.map(({ to }) => to)))}; renew it`;
  return `is not valid before ${dateText(Math.min(...later.map(({ from }) => from)))}; set this machine's clock, or renew it`;
}

function dateText(time: number): string {
  return new Date(time).toISOString();
}
