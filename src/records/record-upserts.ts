import { Injectable } from '@nestjs/common';
import type { Row } from '../database/statement-batch.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { Answer } from '../http/answer.js';
import { conflictKeyOf } from '../model/statements/conflict-key.js';
import type { UpsertRecord } from '../model/statements/upsert-statements.js';
import { Problem } from '../platform/problem.js';
import { uuidV7Range } from '../platform/uuid.js';
import { SINGLE_OBJECT } from './answer-media.js';
import { explained } from './constraint-problem.js';
import type { IncomingBody } from './incoming-bodies.js';
import { mergeAll, type Upserted } from './merge-records.js';
import { assertOwnWritten, writesAll } from './own-writes.js';
import type { RecordCall } from './record-call.js';
import { assertValid } from './record-faults.js';
import { recordSql } from './record-sql.js';
import { assertReferencesSeen } from './seen-references.js';
import { candidatesOf, type Upsert } from './upsert-candidates.js';
import { freshRecord } from './upserted-record.js';
import type { WriteRequest } from './write-request.js';
import type { WrittenAnswer } from './written-answer.js';
import { insertedHeaders } from './written-headers.js';

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
    const isMerge = request.preferences.resolution === 'merge-duplicates';
    if (isMerge) answer.assertSingle(bodies.length);
    const isLast = !answer.isRead && (isMerge || request.media !== SINGLE_OBJECT);
    const upsert: Upsert = { tx, defined, key, bodies, isArray, onto: 'merge', precondition: 'none', isLast };
    const { rows, inserted } = isMerge ? await mergeAll(upsert) : await insertMissing(upsert);
    answer.assertSingle(rows.length);
    const headersOf = insertedHeaders(call, defined, request, rows);
    const isOne = !isArray && surface === 'api';
    // An object in, an object out, and here there is none.
    if (isOne && rows.length === 0) return new Answer(204, null, { ...headersOf, ...request.applied });
    const texts = await answer.textsOf(tx, rows, isOne);
    // PostgREST answers 200 only where it merged: what is left alone counts as done, and its clients look no further.
    const isCreated = inserted > 0 || (surface === 'rest' && !isMerge);
    return answer.of(isCreated ? 201 : 200, texts, headersOf, isOne);
  }
}

/** Changes nothing that is there. */
async function insertMissing(upsert: Upsert): Promise<Upserted> {
  const { tx, defined, key, isLast } = upsert;
  const candidates = await candidatesOf(upsert);
  assertValid(candidates.flatMap(({ faults }) => faults));
  if (candidates.length === 0) return { rows: [], inserted: 0 };
  const { ids } = uuidV7Range(candidates.length);
  const records = candidates.map((candidate, index) => freshRecord(defined, candidate, ids[index] as string));
  await assertReferencesSeen(tx, defined.entity, records, false);
  const statement = recordSql(defined).upsert(key).ignore(records, tx.actor);
  const rows = await explained(
    defined.entity,
    false,
    isLast && writesAll(defined.entity) ? tx.last(statement) : tx.query(statement),
    key,
  );
  const { idAt } = recordSql(defined);
  await assertOwnWritten(
    tx,
    defined.entity,
    rows.map((row) => row[idAt] as string),
  );
  return { rows: inOrderOf(records, defined, rows), inserted: rows.length };
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
