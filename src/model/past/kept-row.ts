import { type JsonObject, type JsonValue } from '../../platform/json-value.js';
import { type Entity, type Property } from '../entity.js';
import { convertedJson } from '../plan/converted-json.js';
import type { VersionStep } from '../plan/lineage.js';
import { inPlain } from '../sealed/with-ciphers.js';
import type { RowWriter } from '../values/row-writer.js';
import { originsOf } from './origins.js';

/** A row of the past as it was kept: what the table has columns for, and the texts of the record by the names of its columns. */
export interface KeptRow {
  readonly id: string;
  readonly revision: string;
  /** Of the document that reads it. */
  readonly version: number;
  /** Postgres' text, as are all instants here. */
  readonly beganAt: string;
  readonly endedAt: string;
  readonly endedBy: string;
  /** null: it was changed. */
  readonly deletion: string | null;
  /** JSON text of an object of texts. */
  readonly body: string;
}

/** Columns of `KeptRow`, in its order. */
export const KEPT_ROW = 'id, revision, version, began_at, ended_at, ended_by, deletion, body';

export function readKept(row: readonly (string | null)[]): KeptRow {
  const [id, revision, version, beganAt, endedAt, endedBy, deletion, body] = row as string[];
  return {
    ...{ id: id as string, revision: revision as string, version: Number(version), beganAt: beganAt as string },
    ...{ endedAt: endedAt as string, endedBy: endedBy as string, deletion: deletion ?? null, body: body as string },
  };
}

/** Of a row's body. */
export type KeptTexts = Readonly<Record<string, string>>;

/** The row as a table of its version would give it to a writer of that version. */
export function textsOf({ id, revision, beganAt }: KeptRow, kept: KeptTexts, { columns }: RowWriter): (string | null)[] {
  const texts: Record<string, string> = { ...kept, id, revision, updated_at: beganAt };
  return columns.map((column) => (Object.hasOwn(texts, column) ? (texts[column] as string) : null));
}

/**
 * What a record of an old version says in the newest: renamed members have their names, those that were dropped are gone, values
 * have their types where that is exact, and what is required and has a default is there. What does not fit is left as it was, for
 * validation to say so.
 * @param steps from the record's version to the newest.
 * @returns what does it to a record without system members: the way is worked out once for as many as there are.
 */
export function carryingOver(steps: readonly VersionStep[]): (record: JsonObject) => JsonObject {
  const [then, now] = [steps[0], steps.at(-1)];
  if (!then || !now || then === now) return (record) => record;
  const properties = new Map(now.entity.properties.map((property) => [property.name, property]));
  const [origins] = originsOf(steps);
  const heirs = new Map([...(origins ?? [])].map(([name, was]) => [was.name, { was, is: properties.get(name) as Property }]));
  const declared = namesOf(then.entity);
  // What a definition required, it gave to every record that did not have it.
  const given = now.entity.properties.flatMap(({ name, required, nullable, default: value }): [string, JsonValue][] =>
    required && !nullable && value !== undefined ? [[name, value]] : [],
  );
  return (record) => {
    const members = Object.entries(record).flatMap(([member, value]): [string, JsonValue][] => {
      if (!declared.has(member)) return [[member, value]];
      const heir = heirs.get(member);
      if (!heir) return [];
      // The shadow of a value has no type.
      const isShadow = heir.was.redacted !== undefined || heir.is.redacted !== undefined;
      return [[heir.is.name, isShadow ? value : convertedJson(inPlain(heir.was), inPlain(heir.is), value)]];
    });
    const present = new Set(members.map(([member]) => member));
    return Object.fromEntries([...members, ...given.filter(([member]) => !present.has(member))]);
  };
}

function namesOf({ properties }: Entity): ReadonlySet<string> {
  return new Set(properties.map(({ name }) => name));
}
