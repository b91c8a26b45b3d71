import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityRegistry } from '../entities/entity-registry.js';
import { Answer } from '../http/answer.js';
import { etagOf, type Precondition, readIfMatch } from '../http/precondition.js';
import type { Entity } from '../model/entity.js';
import { appliedHeader, readPrefer } from '../model/query/prefer.js';
import type { NewRecord } from '../model/statements/insert-statement.js';
import { splitRecord } from '../model/values/record-columns.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { Turns } from '../platform/turns.js';
import { isUuid, uuidV7, uuidV7Range } from '../platform/uuid.js';

import { constraintProblem } from './constraint-problem.js';
import {
  auditedContent,
  incomingInsert,
  incomingReplace,
  patchedRecord,
  replacedRecord,
  underNewNames,
} from './incoming-record.js';
import { notFound, type RecordCall, single } from './record-call.js';
import { type RecordSql, recordSql } from './record-sql.js';
import { referrersOf, removeWithReferring } from './referring-records.js';

type Headers = Readonly<Record<string, string | string[] | undefined>>;

/** Most faults one answer lists. */
const LISTED_FAULTS = 100;

/** From how many records on an insert waits for its turn. */
const BULK = 100;

/**
 * Preparing is one thread's work: more at once only holds more memory. Measured at 32 clients with 1,000 records each: 16 ms of
 * CPU a request with four at once, 22 ms without a limit.
 */
const BULKS_AT_ONCE = 4;

/** Records prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/** Stores, changes and deletes the records of a tenant's entities. Every method runs inside the caller's tenant transaction. */
@Injectable()
export class RecordWrites {
  private readonly bulkTurns = new Turns(BULKS_AT_ONCE);

  constructor(
    private readonly registry: EntityRegistry,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  /** An object in, an object out; an array in, an array out. All or nothing. */
  async insert(call: RecordCall): Promise<Answer> {
    const isBulk = Array.isArray(call.body) && call.body.length >= BULK;
    return isBulk ? this.bulkTurns.run(() => this.insertNow(call)) : this.insertNow(call);
  }

  private async insertNow({ tx, tenant, entity: name, body, headers }: RecordCall): Promise<Answer> {
    const defined = await this.registry.get(tenant, name);
    const sql = recordSql(defined);
    const bodies = Array.isArray(body) ? (body as readonly JsonValue[]) : [body];
    if (bodies.length > this.settings.MAX_INSERT_ROWS) {
      throw new Problem(
        'record/too-many',
        `One request takes at most ${this.settings.MAX_INSERT_ROWS} records. Send them in several.`,
        {
          limit: this.settings.MAX_INSERT_ROWS,
        },
      );
    }
    const events = uuidV7Range(bodies.length);
    const records = await prepareInserts(defined, bodies, tx.actor.subject, events.ids, Array.isArray(body));
    const preferences = readPrefer(single(headers.prefer), ['return']);
    const written = { first: events.first, last: events.last, count: records.length };
    const rows =
      records.length === 0 ? [] : await explained(defined.entity, false, tx.last(sql.insert(records, written, tx.actor)));
    const applied: Record<string, string> = appliedHeader(preferences);
    const [first] = rows;
    if (!Array.isArray(body) && first) {
      applied.location = `/api/v1/tenants/${tenant.id}/records/${name}/${first[sql.idAt]}`;
      applied.etag = etagOf(first[sql.revisionAt] as string, defined.version);
    }
    if (preferences.return === 'minimal' || preferences.return === 'headers-only') return new Answer(201, null, applied);
    const texts = rows.map((row) => sql.record.write(row));
    return new Answer(201, Array.isArray(body) ? `[${texts.join(',')}]` : (texts[0] as string), applied);
  }

  /** PUT: the whole record anew, but for what its reader cannot have seen. */
  async replace(call: RecordCall): Promise<Answer> {
    return this.change(call, (stored, entity) => replacedRecord(entity, stored, call.body));
  }

  /** PATCH: JSON merge patch (RFC 7396). */
  async patch(call: RecordCall): Promise<Answer> {
    return this.change(call, (stored, entity, faults) => {
      const patch = isJsonObject(call.body) ? underNewNames(entity, call.body, '', faults) : call.body;
      return patchedRecord(entity, stored, patch);
    });
  }

  /** Takes along or empties what refers to the record, as the relations have it; what restricts refuses the whole. */
  async remove({ tx, tenant, entity: name, id, headers }: RecordCall): Promise<Answer> {
    const defined = await this.registry.get(tenant, name);
    const sql = recordSql(defined);
    const locked = await lock(tx, defined.entity, sql, id, headers);
    const referrers = referrersOf(await this.registry.of(tenant));
    if (referrers.has(name)) {
      await explained(defined.entity, true, removeWithReferring(tx, referrers, { defined, ...locked }));
      return new Answer(204, null);
    }
    const event = { eventId: uuidV7(), body: JSON.stringify({ before: auditedContent(defined.entity, locked.stored) }) };
    await explained(defined.entity, true, tx.last(sql.change.delete(id, event, tx.actor)));
    return new Answer(204, null);
  }

  private async change(
    { tx, tenant, entity: name, id, headers }: RecordCall,
    wanted: (stored: JsonObject, entity: Entity, faults: Fault[]) => JsonValue,
  ): Promise<Answer> {
    const defined = await this.registry.get(tenant, name);
    const { entity } = defined;
    const sql = recordSql(defined);
    const { stored } = await lock(tx, entity, sql, id, headers);
    const ofNames: Fault[] = [];
    const { content, faults: ofMembers } = incomingReplace(entity, wanted(stored, entity, ofNames), stored);
    const faults = [...ofNames, ...ofMembers];
    assertValid([...faults, ...(faults.length === 0 ? defined.validator.validate(content) : [])]);
    const { columns, extra } = splitRecord(entity, content);
    const before = auditedContent(entity, stored);
    const event = { eventId: uuidV7(), body: JSON.stringify({ before, after: auditedContent(entity, content) }) };
    const [row] = await explained(entity, false, tx.last(sql.change.update(id, columns, extra, event, tx.actor)));
    if (!row) throw notFound();
    const preferences = readPrefer(single(headers.prefer), ['return']);
    const answered = {
      etag: etagOf(row[sql.revisionAt] as string, defined.version),
      ...appliedHeader(preferences),
    };
    if (preferences.return === 'minimal' || preferences.return === 'headers-only') return new Answer(204, null, answered);
    return new Answer(200, sql.record.write(row), answered);
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
  if (precondition === 'none' && entity.concurrency === 'required') {
    throw new Problem('record/precondition-required', 'Read the record and send its ETag as If-Match.');
  }
  const [row] = isUuid(id) ? await tx.query(sql.change.lock(id)) : [];
  if (!row) throw notFound();
  const stored = JSON.parse(sql.stored.write(row)) as JsonObject;
  assertMatches(precondition, String(stored.revision));
  return { row, stored };
}

/** What a broken constraint means is known here, where the entity is. */
async function explained<T>(entity: Entity, removing: boolean, writing: Promise<T>): Promise<T> {
  try {
    return await writing;
  } catch (error) {
    throw constraintProblem(error, entity, removing);
  }
}

async function prepareInserts(
  defined: DefinedEntity,
  bodies: readonly JsonValue[],
  subject: string,
  eventIds: readonly string[],
  isArray: boolean,
): Promise<NewRecord[]> {
  const { entity, validator } = defined;
  const faults: Fault[] = [];
  const records: NewRecord[] = [];
  for (const [index, body] of bodies.entries()) {
    // Ten thousand records take a tenth of a second: others get a turn in between.
    if (index % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
    const at = isArray ? `/${index}` : '';
    const incoming = incomingInsert(entity, body, subject, at);
    const invalid = incoming.faults.length > 0 ? incoming.faults : prefixed(at, validator.validate(incoming.content));
    if (invalid.length > 0) {
      faults.push(...invalid);
      if (faults.length >= LISTED_FAULTS) break;
      continue;
    }
    if (faults.length > 0) continue;
    const audited = JSON.stringify({ after: auditedContent(entity, incoming.content) });
    records.push({
      id: incoming.id,
      ...splitRecord(entity, incoming.content),
      eventId: eventIds[index] as string,
      body: audited,
    });
  }
  assertValid(faults);
  return records;
}

function prefixed(at: string, faults: readonly Fault[]): readonly Fault[] {
  return at === '' ? faults : faults.map((fault) => ({ ...fault, pointer: at + fault.pointer }));
}

function assertValid(faults: readonly Fault[]): void {
  if (faults.length === 0) return;
  const shown = faults.slice(0, LISTED_FAULTS);
  const more = faults.length > shown.length ? ` The first ${shown.length} are listed.` : '';
  throw new Problem('record/invalid', `Nothing was stored. See errors for each place and rule.${more}`, { errors: shown });
}

function assertMatches(precondition: Precondition, revision: string): void {
  if (precondition === 'none' || precondition === 'any' || precondition.includes(revision)) return;
  throw new Problem('record/precondition-failed', 'Somebody changed the record meanwhile. Read it again and repeat your change.');
}
