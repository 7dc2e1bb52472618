/** The fields that every line has, read back from its JSON, and the rest. */
export interface CollectedLine {
  readonly level: string;
  /** ISO 8601, in UTC. */
  readonly time: string;
  readonly seq: number;
  readonly msg: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Of a line that this process has written: throws a SyntaxError for what is no JSON. */
export function parseCollected(json: string): CollectedLine {
  const { level, time, msg, ...fields } = JSON.parse(json) as CommonFields; // The line was written here, so its form is known.
  return { level, time, seq: fields.seq, msg, fields: { ...fields } };
}

interface CommonFields {
  readonly level: string;
  readonly time: string;
  readonly seq: number;
  readonly msg: string;
}
