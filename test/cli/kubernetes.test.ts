/** configs/kubernetes against the schemas that Kubernetes publishes, and what is in it for Sallyport against `sallyport check`. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Deployment } from 'kubernetes-models/apps/v1';
import { HorizontalPodAutoscaler } from 'kubernetes-models/autoscaling/v2';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1';
import { ConfigMap, Namespace, Service } from 'kubernetes-models/v1';
import { describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { sallyport } from '../e2e/harness/sallyport.ts';

const folder = fileURLToPath(new URL('../../configs/kubernetes/', import.meta.url));
const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'));

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
  /** Of a type of its own in each kind, which is what is to be found out. */
  readonly spec?: never;
}

/** Throws where the published schema does not take it. */
const validators: Readonly<Record<string, (of: Manifest) => void>> = {
  'v1 Namespace': (of) => new Namespace(of).validate(),
  'v1 ConfigMap': (of) => new ConfigMap(of).validate(),
  'v1 Service': (of) => new Service(of).validate(),
  'apps/v1 Deployment': (of) => new Deployment(of).validate(),
  'autoscaling/v2 HorizontalPodAutoscaler': (of) => new HorizontalPodAutoscaler(of).validate(),
  'policy/v1 PodDisruptionBudget': (of) => new PodDisruptionBudget(of).validate(),
  'networking.k8s.io/v1 NetworkPolicy': (of) => new NetworkPolicy(of).validate(),
};

describe.each(files)('configs/kubernetes/%s', (file) => {
  const manifests = read(file);

  it('has one of each', () => {
    expect(manifests.map(({ apiVersion, kind }) => `${apiVersion} ${kind}`).sort()).toEqual(
      Object.keys(validators).sort(),
    );
  });

  it.each(manifests.map((each) => [each.kind, each] as const))('%s is as its schema says', (_, each) => {
    expect(() => validators[`${each.apiVersion} ${each.kind}`]?.(each)).not.toThrow();
  });

  it('has no key that no schema knows', () => {
    expect(unknownKeys(manifests, knownKeys())).toEqual([]);
  });

  it('runs no program in the container: the image has none but Sallyport', () => {
    const [deployment] = manifests.filter(({ kind }) => kind === 'Deployment');
    const keys = [...JSON.stringify(deployment).matchAll(/"(\w+)":/g)].map(([, key]) => key);
    expect(keys).toContain('preStop');
    expect(keys.filter((key) => key === 'exec' || key === 'command')).toEqual([]);
  });

  it('has a configuration that passes sallyport check', async () => {
    const text = manifests.find(({ kind }) => kind === 'ConfigMap')?.data?.['sallyport.yaml'];
    const place = mkdtempSync(join(tmpdir(), 'sallyport-'));
    writeFileSync(join(place, 'sallyport.yaml'), text ?? '');
    const env = { REDIS_URL: 'rediss://:password@redis.example:6379' };
    const { code, stdout, stderr } = await sallyport(['check', '--config', join(place, 'sallyport.yaml')], env);
    rmSync(place, { recursive: true });
    // It may warn of what the names lead to where it runs.
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/sallyport\.yaml: ok\n/);
  });
});

it('a schema refuses what it should', () => {
  const [service] = read('sallyport.yaml').filter(({ kind }) => kind === 'Service');
  const spoilt = { ...service, spec: { ports: [{ port: 'many' }] } };
  expect(() => validators['v1 Service']?.(parsed(spoilt))).toThrow();
  expect(unknownKeys([{ spec: { replcas: 1 } }], knownKeys())).toEqual(['replcas']);
});

function read(file: string): Manifest[] {
  return parseAllDocuments(readFileSync(join(folder, file), 'utf8')).map((each) => parsed(each.toJS()));
}

function parsed(value: unknown): Manifest {
  return value as Manifest; // What it lacks the schemas tell.
}

/** The schemas let keys pass that they do not know; the types that were made of the same source name all there are. */
function knownKeys(): ReadonlySet<string> {
  const require = createRequire(import.meta.url);
  const models = dirname(require.resolve('kubernetes-models/package.json'));
  const folders = ['v1', 'apps/v1', 'autoscaling/v2', 'networking.k8s.io/v1', 'policy/v1'];
  const texts = folders.flatMap((each) =>
    readdirSync(join(models, each))
      .filter((name) => name.endsWith('.d.ts'))
      .map((name) => readFileSync(join(models, each, name), 'utf8')),
  );
  const named = texts.flatMap((text) => [...text.matchAll(/^\s*"?(\w+)"?\??:/gm)].map(([, name = '']) => name));
  return new Set([...named, ...OBJECT_META]);
}

const OBJECT_META = ['name', 'namespace', 'labels', 'annotations', 'matchLabels'];
/** Maps whose keys are the user's. */
const FREE = new Set([
  'data',
  'labels',
  'annotations',
  'matchLabels',
  'nodeSelector',
  'selector',
  'limits',
  'requests',
]);

function unknownKeys(value: unknown, known: ReadonlySet<string>): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => unknownKeys(each, known));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, below]) => [
    ...(known.has(key) ? [] : [key]),
    ...(FREE.has(key) && !hasMatchLabels(below) ? [] : unknownKeys(below, known)),
  ]);
}

function hasMatchLabels(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'matchLabels' in value;
}
