import type { JsonValue } from '../../platform/json-value.js';
import type { Entity, Property } from '../entity.js';
import type { VersionStep } from '../plan/lineage.js';
import { shadowText } from '../sealed/shadow-texts.js';
import { jsonText } from '../values/values.js';
import { originsOf } from './origins.js';
import { sealedLater } from './sealed-later.js';

/** What the service puts between the two statements of a `PastBatch`: values of former versions and deleted records become cells. */
export interface PastSealing {
  /** JSON of the columns that are to be cells, by version. */
  readonly columns: string;
  /** JSON of the column that said whom a record is about, by version. */
  readonly subjects: string;
  /** What takes the place of the plain columns of a row. @throws KeysNeeded, SubjectsNeeded */
  sealed(row: PlainRow): Record<string, string>;
}

export interface PlainRow {
  readonly id: string;
  readonly version: number;
  /** Texts by their columns. */
  readonly plain: Readonly<Record<string, string>>;
  /** Whom the row said it is about, and whom its record does now. */
  readonly subject: string | null;
  readonly subjectNow: string | null;
}

/** A value's text, and its cell's column. */
interface Move {
  readonly was: Property;
  readonly is: Property;
}

/**
 * @param steps from the first version to the one that has just come into force
 * @param keyed with the tenant's keys; null: they are destroyed, and what was to be under them is gone with them
 */
export function compilePastSealing(steps: readonly VersionStep[], keyed: ((entity: Entity) => Entity) | null): PastSealing {
  const moves = new Map<number, ReadonlyMap<string, Move>>();
  for (const [index, later] of sealedLater(steps).entries()) {
    const { version, entity } = steps[index] as VersionStep;
    if (later.size === 0) continue;
    const sealed = { ...entity, properties: [...later.values()] };
    const was = new Map(entity.properties.map((property) => [property.name, property]));
    const pairs = (keyed ? keyed(sealed) : sealed).properties.map((is) => ({ was: was.get(is.name) as Property, is }));
    moves.set(version, new Map(pairs.map((move) => [move.was.column, move])));
  }
  const subjects = subjectsOf(steps);
  const now = steps.at(-1)?.entity;
  const subjectNow = now?.properties.find(({ name }) => name === now.subject);
  return {
    columns: JSON.stringify(Object.fromEntries([...moves].map(([version, columns]) => [version, [...columns.keys()]]))),
    subjects: JSON.stringify(Object.fromEntries([...subjects].map(([version, { column }]) => [version, column]))),
    sealed: ({ id, version, plain, ...said }) => {
      if (!keyed) return {};
      // Of a record that is gone and never said whom it is about: it is under the tenant's own key.
      const whom = plainValue(subjects.get(version), said.subject) ?? plainValue(subjectNow, said.subjectNow);
      const subject = whom === null ? null : String(whom);
      const cells = Object.entries(plain).flatMap(([column, text]): [string, string][] => {
        const move = moves.get(version)?.get(column);
        if (!move) throw new Error('a column that was not asked for');
        const value = plainValue(move.was, text);
        return value === null ? [] : [[move.is.column, shadowText(move.is, id, value, subject)]];
      });
      return Object.fromEntries(cells);
    },
  };
}

/** Where a row of each version said in plain text whom it is about. */
function subjectsOf(steps: readonly VersionStep[]): ReadonlyMap<number, Property> {
  const subject = steps.at(-1)?.entity.subject;
  if (subject === undefined) return new Map();
  const origins = originsOf(steps);
  return new Map(
    steps.flatMap(({ version }, index) => {
      const was = origins[index]?.get(subject);
      return was && !was.encrypted ? [[version, was] as const] : [];
    }),
  );
}

function plainValue(property: Property | undefined, text: string | null): JsonValue {
  return property && text !== null ? (JSON.parse(jsonText(property.type, text)) as JsonValue) : null;
}
