export {
  LINGER_MS,
  ListenError,
  READ_AHEAD_BYTES,
  TICK_MS,
  type Address,
  type AnswerGuard,
  type Beginning,
  type Bind,
  type DeadlineMs,
  type Departure,
  type Dial,
  type DialOptions,
  type DialResult,
  type Intercept,
  type Introduction,
  type JoinPlan,
  type Likeness,
  type Leg,
  type Listening,
  type ReadResult,
  type Reception,
  type Repeated,
  type SpliceOptions,
  type TlsFault,
  type TlsState,
  type Transport,
  type TunnelCounts,
  type TunnelEnd,
  type TunnelKeeper,
  type TunnelNumber,
  type TunnelResult,
  type Verdict,
} from './transport.ts';
export { BytesMemo } from './bytes-memo.ts';
export { DialEnd } from './dial-end.ts';
export { compareBeginning } from './beginning.ts';
export { readCertificates } from './authorities.ts';
export {
  createTlsIdentity,
  findUnfitParts,
  type TlsIdentity,
  type TlsMaterial,
  type UnfitPart,
} from './tls-identity.ts';
export { createTlsTrust, type TlsTrust } from './tls-trust.ts';
export { createPortableTransport } from './portable/transport.ts';
export { createNativeTransport } from './native/transport.ts';
export { nativeBinary } from './native/load.ts';
export { platformName } from './native/platform.ts';
export { Slots } from './slots.ts';
export { mayDialFromForeign } from './native/foreign-source.ts';
export { forbidNewPrivileges } from './native/new-privileges.ts';
export { startNativeChild, type ChildCommand } from './native/child.ts';
export { machineAddresses } from './native/machine-addresses.ts';
export { sendDatagram } from './native/datagram.ts';
