import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { Answer } from '../http/answer.js';
import { JSON_PATCH, mediaTypeOfBody } from '../http/patch-media.js';
import { etagOf, readIfMatch } from '../http/precondition.js';
import { auditedBody } from '../model/access/audited-body.js';
import type { Entity } from '../model/entity.js';
import { invalidQuery } from '../model/query/invalid-query.js';
import { appliedHeader } from '../model/query/prefer.js';
import { SubjectGathering } from '../model/sealed/subjects-needed.js';
import type { NewRecord } from '../model/statements/insert-statement.js';
import { splitRecord } from '../model/values/record-columns.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { isUuid, uuidV7, uuidV7Range } from '../platform/uuid.js';
import { bulkTurns } from './bulk-turns.js';
import { explained } from './constraint-problem.js';
import { type IncomingBody, incomingBodies } from './incoming-bodies.js';
import {
  auditedContent,
  incomingInsert,
  incomingReplace,
  patchedRecord,
  removedFaults,
  replacedRecord,
  underNewNames,
  unseenFaults,
  visibleRecord,
} from './incoming-record.js';
import { jsonPatched } from './json-patch.js';
import { assertMayAlso } from './key-scopes.js';
import { assertOwnWritten, writesAll } from './own-writes.js';
import { notFound, type RecordCall, single } from './record-call.js';
import { assertValid, LISTED_FAULTS, prefixed } from './record-faults.js';
import { assertMatches, assertPreconditioned } from './record-precondition.js';
import { type RecordSql, recordSql } from './record-sql.js';
import { RecordUpserts } from './record-upserts.js';
import { assertTakesOwnAlong, referrersOf, removeWithReferring } from './referring-records.js';
import { rowForbidden } from './row-forbidden.js';
import { assertReferencesSeen } from './seen-references.js';
import { readWrite, readWritePreferences, refuseFilters, refuseThePast } from './write-request.js';
import { WrittenAnswer } from './written-answer.js';
import { insertedHeaders } from './written-headers.js';

/** Preferences of an insert. */
const INSERT = ['resolution', 'missing', 'return', 'count'] as const;

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** From how many records on an insert waits for its turn. */
const BULK = 100;

/** Records prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/** Stores, changes and deletes the records of a tenant's entities. Every method runs inside the caller's tenant transaction. */
@Injectable()
export class RecordWrites {
  private readonly bulks = bulkTurns();

  constructor(
    private readonly views: EntityViews,
    private readonly upserts: RecordUpserts,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** An object in, an object out; an array in, an array out. All or nothing. */
  async insert(call: RecordCall): Promise<Answer> {
    const isBulk = Array.isArray(call.body) && call.body.length >= BULK;
    return isBulk ? this.bulks.run(call.tenant.id, () => this.insertNow(call)) : this.insertNow(call);
  }

  private async insertNow(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, body, surface } = call;
    const { defined, entities } = await this.views.find(tenant, access, name);
    const { MAX_ROWS: maxRows, MAX_INSERT_ROWS: limit } = this.settings;
    const request = readWrite(call, defined, entities, { applicable: INSERT, parameters: ['columns', 'on_conflict'], maxRows });
    refuseFilters(request, 'insert');
    const isArray = Array.isArray(body);
    const bodies = isArray ? (body as readonly JsonValue[]) : [body];
    if (bodies.length > limit) {
      throw new Problem('record/too-many', `One request takes at most ${limit} records. Send them in several.`, { limit });
    }
    const { resolution, missing } = request.preferences;
    if (resolution === 'merge-duplicates') assertMayAlso(call, 'records.update');
    const reading = { surface, columns: request.columns, fillsDefaults: missing === 'default' };
    const incoming = incomingBodies(defined.entity, bodies, reading);
    const answer = new WrittenAnswer(defined, request, surface, surface === 'api');
    if (resolution) return this.upserts.upsert(call, defined, request, answer, incoming);
    if (request.conflict) {
      throw invalidQuery('on_conflict', 'it takes Prefer: resolution=merge-duplicates or resolution=ignore-duplicates with it.');
    }
    answer.assertSingle(bodies.length);
    const sql = recordSql(defined);
    const events = uuidV7Range(bodies.length);
    const records = await prepareInserts(defined, incoming, tx.actor.subject, events.ids, isArray);
    const written = { first: events.first, last: events.last, count: records.length };
    await assertReferencesSeen(tx, defined.entity, records);
    const write = async () => {
      const statement = sql.insert(records, written, tx.actor);
      return answer.isRead || !writesAll(defined.entity) ? tx.query(statement) : tx.last(statement);
    };
    const rows = records.length === 0 ? [] : await explained(defined.entity, false, write());
    await assertOwnWritten(
      tx,
      defined.entity,
      records.map(({ id }) => id),
    );
    const isOne = !isArray && surface === 'api';
    const texts = await answer.textsOf(tx, rows, isOne);
    return answer.of(201, texts, insertedHeaders(call, defined, request, rows), isOne);
  }

  /** PUT: the whole record anew, but for what its reader cannot have seen. */
  async replace(call: RecordCall): Promise<Answer> {
    return this.change(call, (stored, entity, faults) => {
      faults.push(...unseenFaults(entity, call.body, ''));
      return replacedRecord(entity, stored, call.body);
    });
  }

  /** PATCH: a JSON merge patch (RFC 7396), also as application/json, or a JSON patch (RFC 6902). */
  async patch(call: RecordCall): Promise<Answer> {
    if (mediaTypeOfBody(call.headers['content-type']) === JSON_PATCH) {
      // Over what can be seen: a test must not tell what is never returned.
      return this.change(call, (stored, entity, faults) => {
        const patched = jsonPatched(visibleRecord(entity, stored), call.body);
        faults.push(...unseenFaults(entity, patched, ''), ...removedFaults(entity, stored, patched, ''));
        return replacedRecord(entity, stored, patched);
      });
    }
    return this.change(call, (stored, entity, faults) => {
      const patch = isJsonObject(call.body) ? underNewNames(entity, call.body, '', faults) : call.body;
      const patched = patchedRecord(entity, stored, patch);
      faults.push(...unseenFaults(entity, patch, ''), ...removedFaults(entity, stored, patched, ''));
      return patched;
    });
  }

  /** Takes along or empties what refers to the record, as the relations have it; what restricts refuses the whole. */
  async remove(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, id, headers } = call;
    refuseThePast(call);
    const applied = appliedHeader(readWritePreferences(call, []));
    const { defined, entities } = await this.views.find(tenant, access, name);
    const sql = recordSql(defined);
    const referrers = referrersOf(entities);
    assertTakesOwnAlong(referrers, name, access);
    const locked = await lock(tx, defined.entity, sql, id, headers);
    if (referrers.has(name)) {
      await explained(defined.entity, true, removeWithReferring(tx, referrers, [{ defined, ...locked }]));
      return new Answer(204, null, applied);
    }
    const before = auditedContent(defined.entity, locked.stored);
    const event = { eventId: uuidV7(), ...auditedBody(defined.entity, { before }) };
    await explained(defined.entity, true, tx.last(sql.change.delete(id, event, tx.actor)));
    return new Answer(204, null, applied);
  }

  private async change(
    call: RecordCall,
    wanted: (stored: JsonObject, entity: Entity, faults: Fault[]) => JsonValue,
  ): Promise<Answer> {
    const { tx, tenant, access, entity: name, id, headers, surface } = call;
    const { defined, entities } = await this.views.find(tenant, access, name);
    const { MAX_ROWS: maxRows } = this.settings;
    const request = readWrite(call, defined, entities, { applicable: ['return'], parameters: [], maxRows });
    refuseFilters(request, 'one');
    const answer = new WrittenAnswer(defined, request, surface, true);
    const { entity } = defined;
    const sql = recordSql(defined);
    const { stored } = await lock(tx, entity, sql, id, headers);
    const ofNames: Fault[] = [];
    const { content, faults: ofMembers } = incomingReplace(entity, wanted(stored, entity, ofNames), stored);
    const faults = [...ofNames, ...ofMembers];
    assertValid([...faults, ...(faults.length === 0 ? defined.validator.validate(content) : [])]);
    const { columns, extra } = splitRecord(entity, id, content);
    const before = auditedContent(entity, stored);
    const event = { eventId: uuidV7(), ...auditedBody(entity, { before, after: auditedContent(entity, content) }) };
    await assertReferencesSeen(tx, entity, [{ id, columns, stored }]);
    const update = sql.change.update(id, columns, extra, event, tx.actor);
    const writing = answer.isRead || !writesAll(entity) ? tx.query(update) : tx.last(update);
    const rows = await explained(entity, false, writing);
    const [row] = rows;
    if (!row) throw notFound();
    await assertOwnWritten(tx, entity, [id]);
    const etag = etagOf(row[sql.revisionAt] as string, defined.version);
    const texts = await answer.textsOf(tx, rows, true);
    return answer.of(answer.hasBody ? 200 : 204, texts, { etag }, true);
  }
}

/** Locks the row and checks the precondition on it, so that of many writers with one If-Match exactly one wins. */
async function lock(
  tx: TenantTx,
  entity: Entity,
  sql: RecordSql,
  id: string,
  headers: Headers,
): Promise<{ row: Row; stored: JsonObject }> {
  const precondition = readIfMatch(single(headers['if-match']));
  assertPreconditioned(entity, precondition, 'Read the record and send its ETag as If-Match.');
  const [row] = isUuid(id) ? await tx.query(sql.change.lock(id)) : [];
  if (!row && entity.rows && isUuid(id) && (await tx.query(sql.get(id))).length > 0) throw rowForbidden(entity);
  if (!row) throw notFound();
  const stored = JSON.parse(sql.stored.write(row)) as JsonObject;
  assertMatches(precondition, String(stored.revision));
  return { row, stored };
}

async function prepareInserts(
  defined: DefinedEntity,
  bodies: readonly IncomingBody[],
  subject: string,
  eventIds: readonly string[],
  isArray: boolean,
): Promise<NewRecord[]> {
  const { entity, validator } = defined;
  const faults: Fault[] = [];
  const needed = new SubjectGathering();
  const records: NewRecord[] = [];
  for (const [index, { body, emptied }] of bodies.entries()) {
    // Ten thousand records take a tenth of a second: others get a turn in between.
    if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
    const at = isArray ? `/${index}` : '';
    const incoming = incomingInsert(entity, body, subject, at, emptied);
    const invalid = incoming.faults.length > 0 ? incoming.faults : prefixed(at, validator.validate(incoming.content));
    if (invalid.length > 0) {
      faults.push(...invalid);
      if (faults.length >= LISTED_FAULTS) break;
      continue;
    }
    if (faults.length > 0) continue;
    const split = needed.of(() => splitRecord(entity, incoming.id, incoming.content));
    if (!split) continue;
    const audited = auditedBody(entity, { after: auditedContent(entity, incoming.content) });
    records.push({
      id: incoming.id,
      ...split,
      eventId: eventIds[index] as string,
      ...audited,
    });
  }
  assertValid(faults);
  needed.assertNone();
  return records;
}
