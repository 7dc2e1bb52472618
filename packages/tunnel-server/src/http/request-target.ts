/** The destination of a plain request: from its target (RFC 9112 §3.2), or from Host where the client uses no proxy. */
import { authorityText, uriHost } from '@sallyport/addresses';
import type { Destination } from '@sallyport/policy';
import { parseAuthority } from '../authority-form.ts';

/** The parts of a request that name its destination. */
export interface TargetParts {
  readonly method: string;
  /** As in the request line. */
  readonly requestTarget: string;
  readonly host: string | undefined;
}

/** Where a plain request goes, and how it is worded there. */
export type RequestTarget =
  | {
      readonly kind: 'target';
      readonly destination: Destination;
      /** Origin-form or `*`, for the destination itself. */
      readonly originForm: string;
      /** The Host field that belongs to it. */
      readonly host: string;
    }
  | { readonly kind: 'malformed'; readonly why: string };

/**
 * Reads the destination of one request. In absolute-form the target decides, and Host is ignored (RFC 9112 §3.2.2).
 * @param isToProxy the client knows that it uses a proxy: then only absolute-form is accepted
 */
export function parseRequestTarget(parts: TargetParts, isToProxy: boolean): RequestTarget {
  const { method, requestTarget, host } = parts;
  if (requestTarget.includes('#')) return malformed('the target has a fragment');
  const scheme = SCHEME.exec(requestTarget)?.[1];
  if (scheme !== undefined) return parseAbsoluteForm(scheme, requestTarget.slice(scheme.length + '://'.length), method);

  if (isToProxy) return malformed('the target is not in absolute-form (http://host/path), as a proxy needs it');
  if (!requestTarget.startsWith('/') && !(requestTarget === '*' && method === 'OPTIONS')) {
    return malformed('the target is neither a path nor in absolute-form');
  }
  if (host === undefined) return malformed('the head has no Host field');
  return targetAt(host, requestTarget);
}

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;

const HTTP_PORT = 80;

function parseAbsoluteForm(scheme: string, hierarchy: string, method: string): RequestTarget {
  const lowerScheme = scheme.toLowerCase();
  if (lowerScheme === 'https' || lowerScheme === 'wss')
    return malformed(`${lowerScheme} is reached by CONNECT host:port, not in absolute-form`);
  // ws is http with an upgrade (RFC 6455 §3).
  if (lowerScheme !== 'http' && lowerScheme !== 'ws') return malformed('the target has another scheme than http');
  const written = /^[^/?]*/.exec(hierarchy)?.[0] ?? '';
  const authority = written.replace(USER_INFORMATION, '');
  const rest = hierarchy.slice(written.length);
  // Without a path, OPTIONS asks about the server as a whole (RFC 9112 §3.2.4).
  if (rest === '') return targetAt(authority, method === 'OPTIONS' ? '*' : '/');
  return targetAt(authority, rest.startsWith('/') ? rest : `/${rest}`);
}

/**
 * No sender may write it (RFC 9110 §4.2.4), but apt does, beside an Authorization that says the same. It is not sent on. Some readers take
 * a backslash for the end of the host, so one is not accepted here.
 */
const USER_INFORMATION = /^[^@\\]*@/;

function targetAt(authority: string, originForm: string): RequestTarget {
  const destination = parseAuthority(withPort(authority), HTTP_PORT);
  if (destination.kind === 'malformed') return destination;
  return { kind: 'target', destination, originForm: toAscii(originForm), host: hostField(destination) };
}

/** An empty port means that of the scheme, as none does (RFC 9110 §4.2.3). */
function withPort(authority: string): string {
  const [, host] = WITHOUT_PORT.exec(authority) ?? [];
  return host === undefined ? authority : `${host}:${HTTP_PORT}`;
}

/** A colon within brackets begins no port. */
const WITHOUT_PORT = /^(.*\]|[^:]*):?$/;

/** Percent-encodes octets above 0x7f (RFC 3986 §2.1): many clients send UTF-8 unescaped, and not every server accepts that. */
function toAscii(originForm: string): string {
  return originForm.replace(/[\x80-\xff]/g, (octet) => `%${octet.charCodeAt(0).toString(16).toUpperCase()}`);
}

function hostField({ host, port }: Destination): string {
  return port === HTTP_PORT ? uriHost(host) : authorityText({ host, port });
}

function malformed(why: string): RequestTarget {
  return { kind: 'malformed', why };
}
