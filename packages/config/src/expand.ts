/** `${VAR}` and `${VAR:-default}` in the values of the configuration. */
import type { Expansion } from './as-written.ts';
import { ok, type Read } from './units.ts';

/** Called with each reference and its value. */
export type OnVariable = (expansion: Expansion) => void;

const IGNORE: OnVariable = () => undefined;

/** The environment to expand from: `process.env`, or a substitute. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The forms after a dollar sign and a brace. `$${` comes first, so that it is never read as a reference. */
const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\})?/g;

/**
 * Expands every reference in a text: `${VAR}`, or `${VAR:-default}` for a variable that is unset or empty, as in a shell. `$${` stands
 * for `${` itself. A dollar sign without a brace is unchanged. The result is always text: keys for numbers read numbers from text too.
 */
export function expandReferences(text: string, env: Environment, onVariable: OnVariable = IGNORE): Read<string> {
  const reasons: string[] = [];
  const expanded = text.replaceAll(REFERENCE, (reference: string, name?: string, fallback?: string) => {
    if (reference === '$${') return '${';
    if (fallback?.includes('${') === true) reasons.push(NO_VARIABLE_IN_DEFAULT);
    else if (name === undefined)
      reasons.push('"${" begins no variable such as ${NAME} or ${NAME:-default}; write "$${" for itself');
    else {
      const value = valueOf(name, fallback, env);
      if (value !== undefined) {
        onVariable({ written: reference, expanded: value });
        return value;
      }
      reasons.push(explainUnset(name));
    }
    return reference;
  });
  return reasons.length === 0 ? ok(expanded) : { kind: 'malformed', why: reasons.join('; ') };
}

function valueOf(name: string, fallback: string | undefined, env: Environment): string | undefined {
  // An object has names that are no variables, such as constructor.
  const set = Object.hasOwn(env, name) ? env[name] : undefined;
  return fallback === undefined ? set : set || fallback;
}

/** Its end would be taken for the end of the reference, and the rest of it for text. */
const NO_VARIABLE_IN_DEFAULT = 'a default holds no "${" of its own; write plain text behind ":-"';

/** The text as it stands in a configuration that is to have exactly this value. */
export function escapeReferences(value: string): string {
  return value.replaceAll('${', () => '$${');
}

/** The text as it stands; where it names no variable, what it means. */
export function unescapeWithoutVariable(text: string): string {
  const references = text.match(REFERENCE) ?? [];
  return references.every((reference) => reference === '$${') ? text.replaceAll('$${', () => '${') : text;
}

/**
 * Why a secret may not have this expansion: an empty variable is nearly always one that nobody has filled in. Undefined where it may;
 * `${VAR:-}` says that nothing is meant.
 */
export function explainEmpty({ written, expanded }: Expansion): string | undefined {
  const [, name] = /^\$\{(\w+)\}$/.exec(written) ?? [];
  if (name === undefined || expanded !== '') return undefined;
  return `the environment variable ${name} is empty; set it, or write \${${name}:-} if nothing is meant`;
}

function explainUnset(name: string): string {
  return `the environment variable ${name} is not set; set it, or give a default: \${${name}:-default}`;
}
