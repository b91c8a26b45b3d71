import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { Answer } from '../http/answer.js';
import type { Precondition } from '../http/precondition.js';
import type { Entity } from '../model/entity.js';
import { type ConflictKey, conflictKeyOf } from '../model/statements/conflict-key.js';
import type { Key, UpsertRecord } from '../model/statements/upsert-statements.js';
import { splitRecord } from '../model/values/record-columns.js';
import { columnText } from '../model/values/values.js';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { uuidV7Range } from '../platform/uuid.js';
import { explained } from './constraint-problem.js';
import type { IncomingBody } from './incoming-bodies.js';
import {
  auditedContent,
  type IncomingRecord,
  incomingInsert,
  incomingReplace,
  replacedRecord,
  underNewNames,
} from './incoming-record.js';
import type { RecordCall } from './record-call.js';
import { assertValid, prefixed } from './record-faults.js';
import { assertMatches, assertPreconditioned } from './record-precondition.js';
import { recordSql } from './record-sql.js';
import type { WriteRequest } from './write-request.js';
import type { WrittenAnswer } from './written-answer.js';
import { insertedHeaders } from './written-headers.js';

/** How often records that came into being meanwhile are read and merged before somebody else has to give way. */
const ROUNDS = 5;

/** Records prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/** What an upsert is to do, once the request is understood. */
export interface Upsert {
  readonly tx: TenantTx;
  readonly defined: DefinedEntity;
  readonly key: ConflictKey;
  readonly bodies: readonly IncomingBody[];
  /** Faults name the place of the record in the body. */
  readonly isArray: boolean;
  /** A record that is there: takes the given members over, or becomes what is sent. */
  readonly onto: 'merge' | 'replace';
  readonly precondition: Precondition;
}

export interface Upserted {
  /** As `recordSql(…).record` reads them, in the order of the bodies. */
  readonly rows: readonly Row[];
  readonly inserted: number;
}

/** A record of the body on its way. */
interface Candidate {
  readonly index: number;
  readonly at: string;
  readonly given: IncomingBody;
  /** What it is when there is none with its key. */
  readonly fresh: IncomingRecord;
  /** Of `fresh`, the rules of the document included. */
  readonly faults: readonly Fault[];
  readonly key: Key;
}

/** Stores records whether there are any with their keys or not (`Prefer: resolution`, PUT by a key). */
@Injectable()
export class RecordUpserts {
  async upsert(
    call: RecordCall,
    defined: DefinedEntity,
    request: WriteRequest,
    answer: WrittenAnswer,
    bodies: readonly IncomingBody[],
  ): Promise<Answer> {
    const { tx, surface, headers } = call;
    if (headers['if-match'] !== undefined) {
      throw new Problem('request/invalid-header', 'If-Match speaks of one record: send it with PUT, by the id or by a key.', {
        header: 'If-Match',
      });
    }
    const key = conflictKeyOf(defined.entity, request.conflict ?? ['id'], 'on_conflict');
    const isArray = Array.isArray(call.body);
    const upsert: Upsert = { tx, defined, key, bodies, isArray, onto: 'merge', precondition: 'none' };
    const isMerge = request.preferences.resolution === 'merge-duplicates';
    if (isMerge) answer.assertSingle(bodies.length);
    const { rows, inserted } = isMerge ? await mergeAll(upsert) : await insertMissing(upsert);
    answer.assertSingle(rows.length);
    const headersOf = insertedHeaders(call, defined, request, rows);
    const isOne = !isArray && surface === 'api';
    // An object in, an object out, and here there is none.
    if (isOne && rows.length === 0) return new Answer(204, null, { ...headersOf, ...request.applied });
    const texts = await answer.textsOf(tx, rows, isOne);
    return answer.of(inserted > 0 ? 201 : 200, texts, headersOf, isOne);
  }
}

/** Changes nothing that is there. */
async function insertMissing(upsert: Upsert): Promise<Upserted> {
  const { tx, defined, key } = upsert;
  const candidates = await candidatesOf(upsert);
  assertValid(candidates.flatMap(({ faults }) => faults));
  if (candidates.length === 0) return { rows: [], inserted: 0 };
  const { ids } = uuidV7Range(candidates.length);
  const records = candidates.map((candidate, index) => freshRecord(defined, candidate, ids[index] as string));
  const rows = await explained(defined.entity, false, tx.query(recordSql(defined).upsert(key).ignore(records, tx.actor)));
  return { rows: inOrderOf(records, defined, rows), inserted: rows.length };
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
    const rows = new Map((await explained(entity, false, tx.query(statement))).map((row) => [row[idAt], row]));
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

async function candidatesOf({ tx, defined, key, bodies, isArray }: Upsert): Promise<Candidate[]> {
  const { entity, validator } = defined;
  const wrong: Fault[] = [];
  const candidates: Candidate[] = [];
  for (const [index, given] of bodies.entries()) {
    if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
    const at = isArray ? `/${index}` : '';
    const fresh = incomingInsert(entity, given.body, tx.actor.subject, at, given.emptied);
    if (!isJsonObject(given.body)) {
      wrong.push(...fresh.faults);
      continue;
    }
    const faults = [...fresh.faults, ...prefixed(at, validator.validate(fresh.content))];
    // What is wrong with a key is wrong whether there is a record with it or not. A store-set one may be sent back.
    const ofKey = faults.filter(({ pointer: place, rule }) => rule !== 'readOnly' && isOfKey(key, at, place));
    wrong.push(...ofKey);
    if (ofKey.length === 0) candidates.push({ index, at, given, fresh, faults, key: keyOf(entity, key, given.body, fresh) });
  }
  assertValid(wrong);
  return candidates;
}

function isOfKey({ members }: ConflictKey, at: string, place: string): boolean {
  return members.some(({ name }) => `${place}/`.startsWith(`${pointer(at, name)}/`));
}

/** Defaults included: a key is that of the record as it would be stored. An id that the store gives is nobody's. */
function keyOf(entity: Entity, { members }: ConflictKey, body: JsonObject, { id, content }: IncomingRecord): Key {
  return members.map(({ name, at }) => {
    const property = entity.properties[at];
    if (!property) return Object.hasOwn(body, 'id') ? id : null;
    const value = Object.hasOwn(content, name) ? content[name] : null;
    return value === null || value === undefined ? null : columnText(property, value);
  });
}

/** Postgres changes no record twice in one statement; told here with the places, where the texts are the same. */
function assertDistinct(key: ConflictKey, candidates: readonly Candidate[]): void {
  const first = new Map<string, Candidate>();
  for (const candidate of candidates) {
    if (candidate.key.includes(null)) continue;
    const text = JSON.stringify(candidate.key);
    const other = first.get(text);
    if (other) throw repeated(key, [other, candidate]);
    first.set(text, candidate);
  }
}

function repeated({ members }: ConflictKey, candidates: readonly Candidate[]): Problem {
  const names = members.map(({ name }) => name);
  return new Problem('record/key-repeated', `Two records of the body have the same ${names.join(' and ')}. Send it once.`, {
    errors: candidates.flatMap(({ at }) =>
      names.map((name) => ({ pointer: pointer(at, name), rule: 'unique', message: 'is sent twice' })),
    ),
  });
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

function freshRecord({ entity }: DefinedEntity, { fresh }: Candidate, eventId: string): UpsertRecord {
  const body = JSON.stringify({ after: auditedContent(entity, fresh.content) });
  return { id: fresh.id, ...splitRecord(entity, fresh.content), eventId, body, revision: 1 };
}

/** What is there with what is sent; nothing where that is not valid. */
function mergedRecord(
  { defined, onto, precondition }: Upsert,
  { at, given }: Candidate,
  stored: JsonObject,
  eventId: string,
  faults: Fault[],
): UpsertRecord | [] {
  const { entity, validator } = defined;
  assertPreconditioned(
    entity,
    precondition,
    'There is a record with this key: read it and PUT it by its key with its ETag as If-Match.',
  );
  assertMatches(precondition, String(stored.revision));
  const ofNames: Fault[] = [];
  const sent = withIdAsStored(underNewNames(entity, given.body as JsonObject, '', ofNames), stored);
  const wanted = onto === 'replace' ? replacedRecord(entity, stored, sent) : merged(stored, sent, given.emptied);
  const { content, faults: ofMembers } = incomingReplace(entity, wanted, stored);
  const wrong = [...ofNames, ...ofMembers];
  if (wrong.length === 0) wrong.push(...validator.validate(content));
  faults.push(...prefixed(at, wrong));
  if (wrong.length > 0) return [];
  const body = JSON.stringify({ before: auditedContent(entity, stored), after: auditedContent(entity, content) });
  return { id: stored.id as string, ...splitRecord(entity, content), eventId, body, revision: Number(stored.revision) + 1 };
}

function merged(stored: JsonObject, sent: JsonObject, emptied: ReadonlySet<string>): JsonObject {
  const members = Object.entries({ ...stored, ...sent });
  return emptied.size === 0 ? { ...stored, ...sent } : Object.fromEntries(members.filter(([member]) => !emptied.has(member)));
}

/** A uuid may be sent in any case (RFC 9562 §4). */
function withIdAsStored(sent: JsonObject, { id }: JsonObject): JsonObject {
  const isSame = typeof sent.id === 'string' && sent.id.toLowerCase() === id;
  return isSame && sent.id !== id ? { ...sent, id: id as JsonValue } : sent;
}

/** The rows that were written, in the order of the body. */
function inOrderOf(records: readonly UpsertRecord[], defined: DefinedEntity, rows: readonly Row[]): Row[] {
  const { idAt } = recordSql(defined);
  const byId = new Map(rows.map((row) => [row[idAt], row]));
  return records.flatMap(({ id }) => {
    const row = byId.get(id);
    return row ? [row] : [];
  });
}
