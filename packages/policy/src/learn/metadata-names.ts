/** The names of the cloud metadata services, which serve credentials to machines. */
const METADATA_NAMES: ReadonlySet<string> = new Set([
  // Google Cloud, "About VM metadata"
  'metadata',
  'metadata.google.internal',
  // AWS EC2, "Access instance metadata": the name that its DNS gives 169.254.169.254
  'instance-data',
  'instance-data.ec2.internal',
  // Azure Instance Metadata Service has no name of its own; its wire server has this one
  'metadata.azure.internal',
  // Equinix Metal, DigitalOcean, Oracle, Alibaba
  'metadata.platformequinix.com',
  'metadata.digitalocean.com',
  'metadata.oraclecloud.com',
  'metadata.aliyuncs.com',
]);

export function isMetadataName(name: string): boolean {
  return METADATA_NAMES.has(name);
}
