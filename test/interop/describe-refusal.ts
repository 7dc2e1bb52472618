/** The alerts that a proxy has reason to send, RFC 8446, section 6. */
const alertNames: Readonly<Record<number, string>> = {
  10: 'unexpected_message',
  49: 'access_denied',
  50: 'decode_error',
  80: 'internal_error',
  112: 'unrecognized_name',
};

/** Puts into a few words what a client heard before its connection was ended. */
export function describeRefusal({ bytes, wasReset }: { readonly bytes: Buffer; readonly wasReset: boolean }): string {
  if (bytes.length === 0) return wasReset ? 'RST' : 'FIN';
  // A TLS record of type alert: five bytes of header, then level and description.
  if (bytes[0] === 21 && bytes.length === 7) return `alert ${alertNames[bytes.readUInt8(6)] ?? bytes.readUInt8(6)}`;
  const text = bytes.toString('latin1');
  const status = /^HTTP\/1\.[01] (\d{3}) /.exec(text)?.[1] ?? 'bytes that are neither HTTP nor TLS';
  const error = /^proxy-status: .*\berror=(\w+)/im.exec(text)?.[1];
  return error === undefined ? status : `${status} ${error}`;
}
