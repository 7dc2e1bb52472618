/** The configuration that most end-to-end tests start from: both doors on free ports, loopback allowed as a destination. */
export interface ConfigParts {
  /** Lines added to the explicit listener, such as `misdirected: serve`. */
  readonly explicit?: readonly string[];
  /** Lines added to the transparent listener. */
  readonly transparent?: readonly string[];
  /** The whole `policy` section, unindented, in place of one rule that allows everything. */
  readonly policy?: string;
  /** Further top-level sections. */
  readonly more?: string;
  /** Names that resolve to loopback, beside `origin.test`. */
  readonly hosts?: Readonly<Record<string, readonly string[]>>;
}

const openPolicy = `policy:
  rules:
    - { name: tests, action: allow, clients: [loopback] }
  destinations: { allow: [loopback] }`;

export function configText(parts: ConfigParts = {}): string {
  const hosts = JSON.stringify({ 'origin.test': ['127.0.0.1'], ...parts.hosts });
  return `listeners:
  - name: explicit
    mode: connect
    bind: "127.0.0.1:0"
${indent(parts.explicit)}  - name: transparent
    mode: sni
    bind: "127.0.0.1:0"
${indent(parts.transparent)}admin: { bind: "127.0.0.1:0" }
dns: { hosts: ${hosts} }
runtime: ${testedRuntime()}
${parts.policy ?? openPolicy}
${parts.more ?? ''}
`;
}

/** The suite runs once for each engine, and for the native one with one data thread too; see vitest.config.ts. */
export function testedRuntime(): string {
  return `{ ${engineFields()} }`;
}

/** What every configuration of the suite has below `runtime`. */
export function engineFields(): string {
  const { SALLYPORT_TEST_ENGINE: engine = 'auto', SALLYPORT_TEST_THREADS: threads = 'auto' } = process.env;
  return `engine: ${engine}, threads: ${threads}`;
}

function indent(lines: readonly string[] = []): string {
  return lines.map((line) => `    ${line}\n`).join('');
}
