import type { Row } from '../database/statement-batch.js';
import { Overtaken } from '../http/overtaken.js';
import type { Statement } from '../model/sql.js';
import type { UpsertRecord } from '../model/statements/upsert-statements.js';
import type { JsonObject } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { uuidV7, uuidV7Range } from '../platform/uuid.js';
import { explained } from './constraint-problem.js';
import { assertValid } from './record-faults.js';
import { assertMatches } from './record-precondition.js';
import { recordSql } from './record-sql.js';
import { assertDistinct, type Candidate, candidatesOf, repeated, type Upsert } from './upsert-candidates.js';
import { freshRecord, mergedRecord } from './upserted-record.js';

/** Stores records under their keys: what there is is locked and read, and becomes with what was sent a record valid as a whole. */

/** How often records that came into being meanwhile are read and merged before somebody else has to give way. */
const ROUNDS = 5;

export interface Upserted {
  /** As `recordSql(…).record` reads them, in the order of the bodies. */
  readonly rows: readonly Row[];
  readonly inserted: number;
}

/**
 * Each round reads and locks what is there, and stores the records as they are then valid. What somebody else inserts between the two
 * is not written over: it is read in the next round.
 */
export async function mergeAll(upsert: Upsert): Promise<Upserted> {
  const { tx, defined, key } = upsert;
  const { entity } = defined;
  const { idAt, revisionAt, upsert: statementsOf } = recordSql(defined);
  const statements = statementsOf(key);
  const written = new Map<number, Row>();
  let open: readonly Candidate[] = await candidatesOf(upsert);
  const [only] = open;
  if (only && open.length === 1 && upsert.isLast) return mergeOne(upsert, only);
  assertDistinct(key, open);
  for (let round = 0; open.length > 0; round++) {
    if (round === ROUNDS) {
      throw new Problem('database/conflict', 'Others kept inserting records with the same keys. Send the request again.');
    }
    const stored = await lockExisting(upsert, open);
    const { ids } = uuidV7Range(open.length);
    const faults: Fault[] = [];
    const records = open.flatMap((candidate, index) => {
      const existing = stored.get(candidate.index);
      if (existing) return mergedRecord(upsert, candidate, existing, ids[index] as string, faults);
      assertMatches(upsert.precondition, null);
      faults.push(...candidate.faults);
      return candidate.faults.length > 0 ? [] : [freshRecord(defined, candidate, ids[index] as string)];
    });
    assertValid(faults);
    // In the order of their keys: two upserts that insert the same ones wait for each other rather than deadlock.
    const sent = records.map((record, index) => ({ record, order: JSON.stringify((open[index] as Candidate).key) }));
    sent.sort((a, b) => (a.order < b.order ? -1 : 1));
    const statement = statements.merge(
      sent.map(({ record }) => record),
      tx.actor,
    );
    // What is locked is there to be written over: none of it can be left for another round.
    const isLast = upsert.isLast && stored.size === open.length && round === 0;
    const writing = isLast ? tx.last(statement) : tx.query(statement);
    const rows = new Map((await explained(entity, false, writing)).map((row) => [row[idAt], row]));
    const left: Candidate[] = [];
    for (const [index, candidate] of open.entries()) {
      const row = rows.get((records[index] as UpsertRecord).id);
      if (row) written.set(candidate.index, row);
      else left.push(candidate);
    }
    open = left;
  }
  const rows = [...written].sort(([a], [b]) => a - b).map(([, row]) => row);
  return { rows, inserted: rows.filter((row) => row[revisionAt] === '1').length };
}

/**
 * One record takes two round trips, and one where nothing can have its key: what becomes of it is committed as it is written.
 * @throws Overtaken where somebody else inserted it meanwhile: nothing was written
 */
async function mergeOne(upsert: Upsert, candidate: Candidate): Promise<Upserted> {
  const { tx, defined, key } = upsert;
  const { entity } = defined;
  const { stored, change, upsert: statementsOf } = recordSql(defined);
  const { one } = statementsOf(key);
  const [found] = candidate.key.includes(null) ? [] : await tx.query(one.lock(candidate.key));
  const eventId = uuidV7();
  const written = (statement: Statement): Promise<readonly Row[]> => explained(entity, false, tx.last(statement));
  if (!found) {
    assertMatches(upsert.precondition, null);
    assertValid(candidate.faults);
    const rows = await written(one.add(freshRecord(defined, candidate, eventId), tx.actor));
    if (rows.length === 0) throw new Overtaken();
    return { rows, inserted: 1 };
  }
  const faults: Fault[] = [];
  const existing = JSON.parse(stored.write(found)) as JsonObject;
  const [record] = [mergedRecord(upsert, candidate, existing, eventId, faults)].flat();
  assertValid(faults);
  if (!record) throw new Error('a record without faults was not merged');
  const { id, columns, extra, body } = record;
  return { rows: await written(change.update(id, columns, extra, { eventId, body }, tx.actor)), inserted: 0 };
}

/** The stored records that have the keys, by the index of their candidate. */
async function lockExisting({ tx, defined, key }: Upsert, open: readonly Candidate[]): Promise<ReadonlyMap<number, JsonObject>> {
  const keyed = open.filter((candidate) => !candidate.key.includes(null));
  if (keyed.length === 0) return new Map();
  const { stored, upsert: statementsOf } = recordSql(defined);
  const rows = await tx.query(statementsOf(key).lock(keyed.map((candidate) => candidate.key)));
  const found = new Map<string, Candidate>();
  return new Map(
    rows.map(([ordinal, ...row]) => {
      const record = JSON.parse(stored.write(row)) as JsonObject;
      const candidate = keyed[Number(ordinal) - 1] as Candidate;
      const other = found.get(record.id as string);
      // Texts that differ and are one value, such as 1.0 and 1.00.
      if (other) throw repeated(key, [other, candidate]);
      found.set(record.id as string, candidate);
      return [candidate.index, record];
    }),
  );
}
