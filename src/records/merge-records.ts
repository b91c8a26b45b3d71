import type { Row } from '../database/statement-batch.js';
import { Overtaken } from '../http/overtaken.js';
import { SubjectGathering } from '../model/sealed/subjects-needed.js';
import type { Statement } from '../model/sql.js';
import { seenByKeyStatement } from '../model/statements/upsert-one-statements.js';
import type { UpsertRecord } from '../model/statements/upsert-statements.js';
import type { JsonObject } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { uuidV7, uuidV7Range } from '../platform/uuid.js';
import { explained, taken } from './constraint-problem.js';
import { assertOwnWritten, writesAll } from './own-writes.js';
import { assertValid } from './record-faults.js';
import { assertMatches } from './record-precondition.js';
import { recordSql } from './record-sql.js';
import { rowForbidden } from './row-forbidden.js';
import { assertReferencesSeen } from './seen-references.js';
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
    const needed = new SubjectGathering();
    const records = open.flatMap((candidate, index) => {
      const existing = stored.get(candidate.index);
      const id = ids[index] as string;
      if (existing) return needed.of(() => mergedRecord(upsert, candidate, existing, id, faults)) ?? [];
      assertMatches(upsert.precondition, null);
      faults.push(...candidate.faults);
      return candidate.faults.length > 0 ? [] : (needed.of(() => [freshRecord(defined, candidate, id)]) ?? []);
    });
    assertValid(faults);
    needed.assertNone();
    await assertReferencesSeen(
      tx,
      entity,
      records.map((record, index) => ({ ...record, stored: stored.get((open[index] as Candidate).index) })),
    );
    // In the order of their keys: two upserts that insert the same ones wait for each other rather than deadlock.
    const sent = records.map((record, index) => ({ record, order: JSON.stringify((open[index] as Candidate).key) }));
    sent.sort((a, b) => (a.order < b.order ? -1 : 1));
    const toStore = sent.map(({ record }) => record);
    // What is locked is there to be written over: none of it can be left for another round.
    const isLast = upsert.isLast && stored.size === open.length && round === 0;
    const merging = (): Promise<readonly Row[]> => {
      const statement = statements.merge(toStore, tx.actor);
      return isLast ? tx.last(statement) : tx.query(statement);
    };
    const writing = writesAll(entity) ? merging() : storeApart(upsert, toStore);
    const rows = new Map((await explained(entity, false, writing, key)).map((row) => [row[idAt], row]));
    const left: Candidate[] = [];
    for (const [index, candidate] of open.entries()) {
      const row = rows.get((records[index] as UpsertRecord).id);
      if (row) written.set(candidate.index, row);
      else left.push(candidate);
    }
    open = left;
    if (!writesAll(entity)) await assertOvertaken(upsert, open);
  }
  await assertOwnWritten(
    tx,
    entity,
    [...written.values()].map((row) => row[idAt] as string),
  );
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
  // Whose rows are some is told what is in the way, which takes another statement.
  const written = (statement: Statement): Promise<readonly Row[]> =>
    explained(entity, false, writesAll(entity) ? tx.last(statement) : tx.query(statement), key);
  if (!found) {
    assertMatches(upsert.precondition, null);
    assertValid(candidate.faults);
    const fresh = freshRecord(defined, candidate, eventId);
    await assertReferencesSeen(tx, entity, [fresh]);
    const rows = await written(one.add(fresh, tx.actor));
    if (rows.length === 0 && !writesAll(entity)) await assertOvertaken(upsert, [candidate]);
    if (rows.length === 0) throw new Overtaken();
    await assertOwnWritten(tx, entity, [fresh.id]);
    return { rows, inserted: 1 };
  }
  const faults: Fault[] = [];
  const existing = JSON.parse(stored.write(found)) as JsonObject;
  const [record] = [mergedRecord(upsert, candidate, existing, eventId, faults)].flat();
  assertValid(faults);
  if (!record) throw new Error('a record without faults was not merged');
  const { id, columns, extra, body, openings } = record;
  await assertReferencesSeen(tx, entity, [{ id, columns, stored: existing }]);
  const rows = await written(change.update(id, columns, extra, { eventId, body, openings }, tx.actor));
  await assertOwnWritten(tx, entity, [id]);
  return { rows, inserted: 0 };
}

/**
 * Of whom some rows are: each record that is there is changed as any other. Stored with one statement, it would be judged by the
 * policies as if it were inserted, by whoever sends it, before it is found.
 */
async function storeApart({ tx, defined, key }: Upsert, records: readonly UpsertRecord[]): Promise<readonly Row[]> {
  const { changeMany, upsert: statementsOf } = recordSql(defined);
  const known = records.filter(({ revision }) => revision > 1);
  const fresh = records.filter(({ revision }) => revision === 1);
  const events = uuidV7Range(known.length);
  const changes = known.map((record, index) => ({ ...record, eventId: events.ids[index] as string }));
  const changed = known.length === 0 ? [] : await tx.query(changeMany()(changes, { ...events, count: known.length }, tx.actor));
  const added = fresh.length === 0 ? [] : await tx.query(statementsOf(key).merge(fresh, tx.actor));
  return [...changed, ...added];
}

/**
 * That a record was not stored means that others were quicker, and it can be merged with theirs; or that there is one all the time which
 * the caller may not write, or not even see.
 * @throws Problem record/row-forbidden; record/duplicate as an insert of it would be answered
 */
async function assertOvertaken({ tx, defined, key }: Upsert, left: readonly Candidate[]): Promise<void> {
  const { one } = recordSql(defined).upsert(key);
  for (const candidate of left) {
    if (candidate.key.includes(null) || (await tx.query(one.lock(candidate.key))).length > 0) continue;
    const seen = await tx.query(seenByKeyStatement(tx.home, defined.entity, key, candidate.key));
    throw seen.length > 0 ? rowForbidden(defined.entity) : taken(key.members.map(({ name }) => name));
  }
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
