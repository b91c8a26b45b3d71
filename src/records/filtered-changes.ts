import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import type { Answer } from '../http/answer.js';
import { MERGE_PATCH, mediaTypeOfBody } from '../http/patch-media.js';
import { auditedBody } from '../model/access/audited-body.js';
import type { Entity } from '../model/entity.js';
import { SubjectGathering } from '../model/sealed/subjects-needed.js';
import { lockFoundStatement, unwritableFoundStatement } from '../model/statements/change-many-statement.js';
import type { NewRecord } from '../model/statements/insert-statement.js';
import { splitRecord } from '../model/values/record-columns.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { uuidV7Range } from '../platform/uuid.js';
import { explained } from './constraint-problem.js';
import { type IncomingBody, incomingBodies } from './incoming-bodies.js';
import { auditedContent, incomingReplace, patchedRecord, removedFaults, underNewNames, unseenFaults } from './incoming-record.js';
import { assertOwnWritten, writesAll } from './own-writes.js';
import { explainedRead } from './read-problem.js';
import type { RecordCall } from './record-call.js';
import { assertValid } from './record-faults.js';
import { recordSql } from './record-sql.js';
import {
  assertTakesOwnAlong,
  type LockedRecord,
  lockedRecord,
  type Referrers,
  referrersOf,
  removeWithReferring,
} from './referring-records.js';
import { rowForbidden } from './row-forbidden.js';
import { assertReferencesSeen } from './seen-references.js';
import { readWrite, type WriteRequest } from './write-request.js';
import { WrittenAnswer } from './written-answer.js';
import { rangeHeader } from './written-headers.js';

/** Records prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/** A write by filters, understood, with the records that they found: locked, in the order of their ids. */
interface Found {
  readonly defined: DefinedEntity;
  readonly request: WriteRequest;
  readonly answer: WrittenAnswer;
  readonly records: readonly LockedRecord[];
  readonly referrers: Referrers;
}

/** Changes or deletes whatever a filter finds: all of it or, where one record stands in the way, nothing. */
@Injectable()
export class FilteredChanges {
  constructor(
    private readonly views: EntityViews,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** A merge patch (RFC 7396) for each record; as application/json below `/rest/v1` its members replace whole values. */
  async patch(call: RecordCall): Promise<Answer> {
    const { tx, surface } = call;
    const isMerge = surface === 'api' || mediaTypeOfBody(call.headers['content-type']) === MERGE_PATCH;
    const { defined, request, answer, records } = await this.find(call, ['columns'], surface === 'api');
    const { record, idAt, changeMany } = recordSql(defined);
    const changed = (rows: Parameters<WrittenAnswer['textsOf']>[1], texts: readonly string[]): Answer =>
      answer.of(answer.hasBody ? 200 : 204, texts, rangeHeader(surface, request, rows.length, rows.length));
    const change = changeOf(call, defined.entity, request, isMerge);
    if (records.length === 0 || (surface === 'rest' && isEmpty(call.body))) return changed([], []);
    const events = uuidV7Range(records.length);
    const changes = await prepareChanges(records, change, events.ids);
    await assertReferencesSeen(
      tx,
      defined.entity,
      changes.map((each, index) => ({ ...each, stored: records[index]?.stored })),
    );
    const statement = changeMany()(changes, { ...events, count: changes.length }, tx.actor);
    const writing = answer.isRead || !writesAll(defined.entity) ? tx.query(statement) : tx.last(statement);
    const written = new Map((await explained(defined.entity, false, writing)).map((row) => [row[idAt], row]));
    await assertOwnWritten(tx, defined.entity, idsOf(records));
    const rows = changes.map(({ id }) => written.get(id) ?? record.columns.map(() => null));
    return changed(rows, await answer.textsOf(tx, rows));
  }

  /** As the deletion of each: what refers to them goes along, is emptied, or restricts the whole. */
  async remove(call: RecordCall): Promise<Answer> {
    const { tx, surface } = call;
    const { defined, request, answer, records, referrers } = await this.find(call, [], false, assertTakesOwnAlong);
    // Before they are gone.
    const texts =
      answer.isRead && records.length > 0 ? await answer.read(tx, idsOf(records), false) : ownTexts(answer, records, defined);
    const gone = answer.of(answer.hasBody ? 200 : 204, texts, rangeHeader(surface, request, records.length));
    if (records.length > 0) await explained(defined.entity, true, removeWithReferring(tx, referrers, records));
    return gone;
  }

  private async find(
    call: RecordCall,
    parameters: readonly 'columns'[],
    represents: boolean,
    assertMay: typeof assertTakesOwnAlong = () => {},
  ): Promise<Found> {
    const { tx, tenant, access, entity: name, surface, headers } = call;
    const { defined, entities } = await this.views.find(tenant, access, name);
    const { MAX_ROWS: maxRows, MAX_CHANGED_ROWS } = this.settings;
    const request = readWrite(call, defined, entities, { applicable: ['return', 'count', 'max-affected'], parameters, maxRows });
    assertMayFilter(defined.entity, request, headers['if-match'] !== undefined);
    const answer = new WrittenAnswer(defined, request, surface, represents);
    const referrers = referrersOf(entities);
    assertMay(referrers, name, access);
    const most = Math.min(request.preferences['max-affected'] ?? MAX_CHANGED_ROWS, MAX_CHANGED_ROWS);
    const { stored } = recordSql(defined);
    await assertMayWriteFound(tx, request);
    const statement = lockFoundStatement(tx.home, request.query, stored.columns, most + 1);
    const rows = await explainedRead(tx.query(statement));
    if (rows.length > most) throw tooMany(request, most);
    answer.assertSingle(rows.length);
    const records = rows.map((row) => lockedRecord(defined, row));
    return { defined, request, answer, records, referrers };
  }
}

/** What the filters find and may not be written stands in the way of the whole. @throws Problem record/row-forbidden */
async function assertMayWriteFound(tx: TenantTx, { query }: WriteRequest): Promise<void> {
  const { rows } = query.entity;
  if (rows === undefined || rows.write === true || rows.write === rows.read) return;
  const found = await explainedRead(tx.query(unwritableFoundStatement(tx.home, query)));
  if (found.length > 0) throw rowForbidden(query.entity, 'The filters find records that your roles may not write');
}

function assertMayFilter({ concurrency }: Entity, { query }: WriteRequest, hasIfMatch: boolean): void {
  if (query.where.length === 0) {
    throw new Problem(
      'request/invalid-query',
      'Without a filter every record would be meant. Say so if it is: id=not.is.null finds all there are.',
    );
  }
  if (concurrency === 'required') {
    throw new Problem(
      'record/precondition-required',
      'Writes to this entity send the ETag of the record that was read, which a filter does not have. Change the records one by one.',
    );
  }
  if (hasIfMatch) {
    throw new Problem(
      'request/invalid-header',
      'If-Match speaks of one record, and a filter may find many. Send it to the path of the record, or filter by revision.',
      { header: 'If-Match' },
    );
  }
}

function tooMany({ preferences }: WriteRequest, most: number): Problem {
  const { 'max-affected': affected } = preferences;
  if (affected !== undefined && affected <= most) {
    return new Problem('record/too-many-affected', `The filters find more than ${affected} records. Nothing was changed.`, {
      limit: affected,
    });
  }
  return new Problem('record/too-many', `One filter may change ${most} records, and this one finds more. Nothing was changed.`, {
    limit: most,
  });
}

type Change = (stored: JsonObject, faults: Fault[]) => JsonValue;

function changeOf(call: RecordCall, entity: Entity, { columns, preferences }: WriteRequest, isMerge: boolean): Change {
  const reading = {
    surface: isMerge ? ('api' as const) : call.surface,
    columns,
    fillsDefaults: preferences.missing === 'default',
  };
  const [given] = incomingBodies(entity, [call.body], reading) as [IncomingBody];
  return (stored, faults) => {
    if (!isJsonObject(given.body)) return given.body;
    const sent = underNewNames(entity, given.body, '', faults);
    const all = Object.entries({ ...stored, ...sent }).filter(([member]) => !given.emptied.has(member));
    const patched = isMerge ? patchedRecord(entity, stored, sent) : Object.fromEntries(all);
    faults.push(...unseenFaults(entity, sent, '', given.emptied), ...removedFaults(entity, stored, patched, ''));
    return patched;
  };
}

async function prepareChanges(
  records: readonly LockedRecord[],
  change: Change,
  eventIds: readonly string[],
): Promise<NewRecord[]> {
  const changes: NewRecord[] = [];
  const needed = new SubjectGathering();
  for (const [index, { defined, stored }] of records.entries()) {
    if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
    const { entity, validator } = defined;
    const faults: Fault[] = [];
    const { content, faults: ofMembers } = incomingReplace(entity, change(stored, faults), stored);
    faults.push(...ofMembers);
    if (faults.length === 0) faults.push(...validator.validate(content));
    assertValid(faults, `Of the records found, ${stored.id} would not be valid. `);
    const id = stored.id as string;
    const split = needed.of(() => splitRecord(entity, id, content));
    if (!split) continue;
    const audited = auditedBody(entity, { before: auditedContent(entity, stored), after: auditedContent(entity, content) });
    changes.push({ id, ...split, eventId: eventIds[index] as string, ...audited });
  }
  needed.assertNone();
  return changes;
}

/** As PostgREST has it, that changes no record: not even its revision. */
function isEmpty(body: unknown): boolean {
  return isJsonObject(body as JsonValue) && Object.keys(body as object).length === 0;
}

function idsOf(records: readonly LockedRecord[]): string[] {
  return records.map(({ stored }) => stored.id as string);
}

function ownTexts(answer: WrittenAnswer, records: readonly LockedRecord[], defined: DefinedEntity): string[] {
  if (!answer.hasBody) return [];
  return answer.fromRows(
    records.map(({ row }) => row),
    recordSql(defined).stored.columns,
  );
}
