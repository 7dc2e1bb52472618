/** The replies of the explicit door that are not refusals, as bytes. */

/** Its HTTP status. */
export const ESTABLISHED_STATUS = 200;

/** The tunnel is up. It has neither Content-Length nor Transfer-Encoding: what follows is not content (RFC 9110 §9.3.6). */
export const CONNECTION_ESTABLISHED: Uint8Array = Buffer.from('HTTP/1.1 200 Connection Established\r\n\r\n', 'latin1');
