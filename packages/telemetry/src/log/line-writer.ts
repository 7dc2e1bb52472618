/**
 * Writes log lines as bytes, into one buffer that is used again for each.
 *
 * A line about a tunnel costs much less than serialising an object: what the tunnels of a door and a rule have in common is copied from a
 * template, numbers are written digit by digit, and only a text that needs escapes is encoded.
 */
import { escapeControls } from './escape-controls.ts';
import { type Form, TUNNEL_FIELDS, type TunnelFields } from './fields.ts';
import { JsonBytes } from './json-bytes.ts';
import type { Level, WrittenLine } from './sink.ts';

/** The kinds of lines about a tunnel: its end, that it is up, or its bytes so far. */
export type TunnelMsg = 'tunnel' | 'open' | 'progress';

export class LineWriter implements WrittenLine {
  level: Level = 'info';
  seq = 0;
  readonly #json = new JsonBytes();
  readonly #templates = new Templates();
  readonly #clock = new Clock();

  get bytes(): Buffer {
    return this.#json.bytes;
  }

  get length(): number {
    return this.#json.length;
  }

  tunnel(level: Level, msg: TunnelMsg, line: TunnelFields): void {
    this.level = level;
    this.seq += 1;
    const json = this.#json;
    json.clear();
    json.raw(OPENINGS[level]);
    this.#clock.write(json);
    json.raw(BEFORE_SEQ);
    json.count(this.seq);
    json.raw(BEFORE_ID);
    json.text(line.id);
    json.raw(this.#templates.of(line));
    for (const field of OF_ONE) writeField(json, field, line);
    json.raw(ENDINGS[msg]);
  }

  /** Takes pino's line, which begins with its level, and in which only C0 is escaped. */
  message(line: string): void {
    this.level = levelOf(line);
    this.#json.clear();
    this.#json.json(escapeControls(line.slice(0, -1)));
    this.#json.raw(NEWLINE);
  }
}

interface WrittenField {
  readonly name: keyof TunnelFields;
  readonly form: Form;
  /** `,"name":` */
  readonly key: Buffer;
}

/** The fields that the tunnels of one door and one rule have in common. */
const SHARED = ['listener', 'mode', 'rule', 'decision', 'would_deny', 'egress'] as const;

const FIELDS: readonly WrittenField[] = fieldNames().map((name) => ({
  name,
  form: TUNNEL_FIELDS[name].form,
  key: Buffer.from(`,${JSON.stringify(name)}:`),
}));
const OF_KIND = FIELDS.filter(({ name }) => isShared(name));
const OF_ONE = FIELDS.filter(({ name }) => name !== 'id' && !isShared(name));

/** Above this number they are all made again: rules change with reloads. */
const MOST_TEMPLATES = 1_000;

/** The bytes that many lines have in common, by door and rule. */
class Templates {
  readonly #byDoor = new Map<string, Map<string | undefined, Template>>();
  #made = 0;

  of(line: TunnelFields): Uint8Array {
    const ofDoor = this.#byDoor.get(line.listener);
    const known = ofDoor?.get(line.rule);
    if (known !== undefined && isOfKind(line, known)) return known.bytes;
    return this.#make(line);
  }

  #make(line: TunnelFields): Uint8Array {
    if (this.#made >= MOST_TEMPLATES) this.#byDoor.clear();
    this.#made = this.#byDoor.size === 0 ? 1 : this.#made + 1;
    const json = new JsonBytes();
    for (const field of OF_KIND) writeField(json, field, line);
    const { mode, decision, would_deny, egress } = line;
    const template = { mode, decision, would_deny, egress, bytes: Buffer.from(json.bytes.subarray(0, json.length)) };
    const ofDoor = this.#byDoor.get(line.listener) ?? new Map<string | undefined, Template>();
    this.#byDoor.set(line.listener, ofDoor.set(line.rule, template));
    return template.bytes;
  }
}

interface Template extends Pick<TunnelFields, 'mode' | 'decision' | 'would_deny' | 'egress'> {
  readonly bytes: Uint8Array;
}

function isOfKind(line: TunnelFields, { mode, decision, would_deny, egress }: Template): boolean {
  const isDecidedAlike = line.decision === decision && line.would_deny === would_deny;
  return isDecidedAlike && line.egress === egress && line.mode === mode;
}

/** The time in ISO 8601. All but its last digits is formatted once a second. */
class Clock {
  readonly #spelled = Buffer.alloc(24);
  #second = NaN;

  write(json: JsonBytes): void {
    const now = Date.now();
    const second = Math.floor(now / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#spelled.write(new Date(now).toISOString(), 'latin1');
    }
    const ms = now - 1000 * second;
    this.#spelled[20] = 0x30 + Math.floor(ms / 100);
    this.#spelled[21] = 0x30 + (Math.floor(ms / 10) % 10);
    this.#spelled[22] = 0x30 + (ms % 10);
    json.raw(this.#spelled);
  }
}

function writeField(json: JsonBytes, { name, form, key }: WrittenField, line: TunnelFields): void {
  const value = line[name];
  if (value === undefined) return;
  json.raw(key);
  if (typeof value === 'string') json.text(value);
  else if (typeof value === 'boolean') json.flag(value);
  else if (typeof value === 'object') json.texts(value);
  else if (form === 'ms') json.ms(value);
  else json.count(value);
}

function levelOf(line: string): Level {
  const word = line.slice(LEVEL_AT, line.indexOf('"', LEVEL_AT));
  return LEVELS.find((level) => level === word) ?? 'info';
}

function isShared(name: string): boolean {
  return SHARED.some((shared) => shared === name);
}

function fieldNames(): readonly (keyof typeof TUNNEL_FIELDS)[] {
  return Object.keys(TUNNEL_FIELDS) as (keyof typeof TUNNEL_FIELDS)[]; // Our own table has exactly the keys of its type.
}

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const satisfies readonly Level[];
const LEVEL_AT = '{"level":"'.length;
const OPENINGS = {
  trace: opening('trace'),
  debug: opening('debug'),
  info: opening('info'),
  warn: opening('warn'),
  error: opening('error'),
  fatal: opening('fatal'),
} satisfies Record<Level, Buffer>;
const BEFORE_SEQ = Buffer.from('","seq":');
const BEFORE_ID = Buffer.from(',"id":');
const ENDINGS = { tunnel: ending('tunnel'), open: ending('open'), progress: ending('progress') } satisfies Record<
  TunnelMsg,
  Buffer
>;
const NEWLINE = Buffer.from('\n');

function opening(level: Level): Buffer {
  return Buffer.from(`{"level":"${level}","time":"`);
}

function ending(msg: TunnelMsg): Buffer {
  return Buffer.from(`,"msg":"${msg}"}\n`);
}
