/** The programs that are asked, each as its users call it, with as few retries as it takes: they repeat the same line. */
import { join } from 'node:path';

export interface Client {
  readonly name: string;
  /** Its first line of output names the version. */
  readonly version: readonly string[];
  /** Once, before it is asked. */
  readonly prepare?: (folder: string) => readonly string[];
  /** Speaks nothing but TLS behind the proxy. */
  readonly isTlsAlone?: boolean;
  readonly command: (question: Question) => readonly string[];
}

interface Question {
  readonly url: string;
  /** The programs find it in the environment, but for those that do not look there. */
  readonly proxy: string | undefined;
  readonly folder: string;
}

// This file runs from test/clients/build.
const program = (name: string): string => join(import.meta.dirname, '..', 'programs', name);

const PIP = ['python3', '-m', 'pip', '--disable-pip-version-check', 'download', '--no-deps', '--retries=1'];

export const CLIENTS: readonly Client[] = [
  { name: 'curl', version: ['curl', '--version'], command: ({ url }) => ['curl', '-sS', url] },
  { name: 'curl -i', version: ['curl', '--version'], command: ({ url }) => ['curl', '-sSi', url] },
  { name: 'curl -v', version: ['curl', '--version'], command: ({ url }) => ['curl', '-sSv', url] },
  { name: 'wget', version: ['wget', '--version'], command: ({ url }) => ['wget', '--tries=1', '-O-', url] },
  { name: 'git', version: ['git', '--version'], command: ({ url }) => ['git', 'ls-remote', `${url}a.git`] },
  {
    name: 'git, GIT_CURL_VERBOSE=1',
    version: ['git', '--version'],
    command: ({ url }) => ['env', 'GIT_CURL_VERBOSE=1', 'git', 'ls-remote', `${url}a.git`],
  },
  {
    name: 'npm',
    version: ['npm', '--version'],
    command: ({ url }) => ['npm', 'view', 'left-pad', `--registry=${url}`, '--fetch-retries=0'],
  },
  {
    name: 'pip',
    version: ['python3', '-m', 'pip', '--version'],
    command: ({ url }) => askPip(url),
  },
  {
    name: 'pip -vv',
    version: ['python3', '-m', 'pip', '--version'],
    command: ({ url }) => [...askPip(url), '-vv'],
  },
  {
    name: 'pip, a URL',
    version: ['python3', '-m', 'pip', '--version'],
    command: ({ url }) => [...PIP, `${url}six-1.tar.gz`],
  },
  {
    name: 'Python requests',
    version: ['python3', '-c', 'import requests, urllib3; print(requests.__version__, "urllib3", urllib3.__version__)'],
    command: ({ url }) => ['python3', program('ask.py'), url],
  },
  {
    name: 'Java, HttpURLConnection',
    version: ['java', '--version'],
    command: (question) => askJava('Connection', question),
  },
  { name: 'Java, HttpClient', version: ['java', '--version'], command: (question) => askJava('Client', question) },
  {
    name: 'Go, net/http',
    version: ['go', 'version'],
    prepare: (folder) => ['go', 'build', '-o', join(folder, 'ask-go'), program('ask.go')],
    command: ({ url, folder }) => [join(folder, 'ask-go'), url],
  },
  {
    name: 'Node.js fetch, undici EnvHttpProxyAgent',
    version: [process.execPath, program('fetch.js'), '--version'],
    command: ({ url }) => [process.execPath, program('fetch.js'), url],
  },
  {
    name: 'Node.js http and https, NODE_USE_ENV_PROXY=1',
    // From Node.js 24 on. An empty line where there is no such thing.
    version: [
      process.execPath,
      '-p',
      "process.allowedNodeEnvironmentFlags.has('--use-env-proxy') ? process.version : ''",
    ],
    command: ({ url }) => ['env', 'NODE_USE_ENV_PROXY=1', process.execPath, program('get.js'), url],
  },
  {
    name: 'Chromium',
    // The script that Debian starts it by complains of a shell's arithmetic first.
    version: ['sh', '-c', 'chromium --version 2>/dev/null'],
    command: ({ url }) => [process.execPath, program('browse-chromium.js'), url],
  },
  {
    name: 'Firefox',
    version: ['firefox-esr', '--version'],
    command: ({ url }) => [process.execPath, program('browse-firefox.js'), url],
  },
  {
    name: 'openssl s_client',
    isTlsAlone: true,
    version: ['openssl', 'version'],
    command: ({ url, proxy }) => {
      const { hostname, port } = new URL(url);
      const through = proxy === undefined ? [] : ['-proxy', new URL(proxy).host];
      return ['openssl', 's_client', '-connect', `${hostname}:${port || '443'}`, '-servername', hostname, ...through];
    },
  },
];

/** Of an index that it cannot read, pip tells in its warnings of a retry alone. */
function askPip(url: string): readonly string[] {
  return [...PIP, `--index-url=${url}simple/`, `--trusted-host=${new URL(url).host}`, 'six'];
}

/** Java reads its proxy from properties. */
function askJava(how: 'Connection' | 'Client', { url, proxy }: Question): readonly string[] {
  const { hostname = '', port = '' } = proxy === undefined ? {} : new URL(proxy);
  const properties = ['http', 'https'].flatMap((scheme) => [
    `-D${scheme}.proxyHost=${hostname}`,
    `-D${scheme}.proxyPort=${port}`,
  ]);
  return ['java', '-XX:TieredStopAtLevel=1', ...(proxy === undefined ? [] : properties), program('Ask.java'), how, url];
}
