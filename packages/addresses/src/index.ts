/** The only parser of IP addresses and networks, and the list of special ones. Read ip.ts first. */
export { type Ip, ipFromWords, parseIp } from './ip.ts';
export { authorityText, uriHost } from './authority.ts';
export { isHostName, MAX_NAME_LENGTH } from './host-name.ts';
export { endsInNumber, readLegacyIpv4 } from './legacy-ipv4.ts';
export { type EmbeddedIpv4, embeddedIpv4 } from './embedded-ipv4.ts';
export { CLIENT_SETS, compileNetworks, DESTINATION_SETS, type Network, type NetworkSet } from './networks.ts';
export { specialPurposeOf } from './special.ts';
export { canonicalCidr } from './ranges.ts';
