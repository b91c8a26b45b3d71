import { Injectable } from '@nestjs/common';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { EntityViews } from '../entities/entity-views.js';
import { Answer } from '../http/answer.js';
import { etagOf } from '../http/precondition.js';
import { type KeptRow, readKept } from '../model/past/kept-row.js';
import { appliedHeader } from '../model/query/prefer.js';
import { isSealed } from '../model/sealed/with-ciphers.js';
import { keptRowsStatement, purgeStatement } from '../model/statements/past-statements.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import { keptBackHeader } from '../records/kept-back-header.js';
import type { RecordCall } from '../records/record-call.js';
import { recordSql } from '../records/record-sql.js';
import { rowForbidden } from '../records/row-forbidden.js';
import { readWritePreferences } from '../records/write-request.js';
import { KeptRecords } from './kept-records.js';
import { ownKeptRows, ownOf } from './own-kept.js';
import { instantOf, positionAfter, readPastPage } from './past-page.js';
import { deletedOf, notDeleted } from './past-table.js';
import { restoreDeleted } from './restore-deleted.js';

/** Records that were deleted and are kept: what they were, how they come back, and their end. */
@Injectable()
export class DeletedRecords {
  constructor(private readonly views: EntityViews) {}

  /** Latest first. @throws Problem past/not-kept */
  async list({ tx, tenant, access, entity: name, query }: RecordCall): Promise<Answer> {
    const { defined } = await this.views.find(tenant, access, name);
    const page = readPastPage(query());
    const rows = await ownKeptRows(tx, defined, deletedOf(defined), null, { ...page, limit: page.limit + 1 });
    const shown = rows.slice(0, page.limit);
    const records = await KeptRecords.of(tx, defined, shown, this.views.sightOf(tenant, access));
    const items = shown.map((row) => deletedText(defined, row, records));
    const last = shown.at(-1);
    const next = rows.length > shown.length && last ? JSON.stringify(positionAfter(last)) : 'null';
    const said = { ...JSON_BODY, ...keptBackHeader(records.keptBack) };
    return new Answer(200, `{"items":[${items.join(',')}],"next":${next}}`, said);
  }

  /** The last deletion, where a record of this id was deleted more than once. @throws Problem past/not-kept, record/not-deleted */
  async get({ tx, tenant, access, entity: name, id }: RecordCall): Promise<Answer> {
    const { defined } = await this.views.find(tenant, access, name);
    const past = deletedOf(defined);
    assertId(id);
    const [latest] = (await tx.query(keptRowsStatement(tx.home, past, id, { limit: 1, after: null }))).map(readKept);
    const [row] = latest ? await ownOf(tx, defined, [latest], defined.entity.rows?.read ?? true) : [];
    if (!row) throw notDeleted();
    const records = await KeptRecords.of(tx, defined, [row], this.views.sightOf(tenant, access));
    const text = deletedText(defined, row, records);
    return new Answer(200, text, { ...JSON_BODY, ...keptBackHeader(records.keptBack) });
  }

  /**
   * The record again, and whatever was deleted with it because it referred to it. The body, if there is one, is a merge patch (RFC
   * 7396) for what is no longer valid as it was.
   * @throws Problem past/not-kept, record/not-deleted, record/invalid, record/duplicate, record/reference-missing
   */
  async restore(call: RecordCall): Promise<Answer> {
    const { tenant, access, entity: name, id } = call;
    const applied = appliedHeader(readWritePreferences(call, []));
    const { defined, entities } = await this.views.find(tenant, access, name);
    deletedOf(defined);
    assertId(id);
    const row = await restoreDeleted(call, entities, defined);
    const sql = recordSql(defined);
    const etag = etagOf(row[sql.revisionAt] as string, defined.version);
    const said = { etag, ...applied, ...JSON_BODY, ...keptBackHeader(sql.record.keptBack) };
    return new Answer(200, sql.record.write(row), said, isSealed(defined.entity));
  }

  /** Nothing is left of the record but what the trail says of its changes. @throws Problem past/not-kept, record/not-deleted */
  async purge(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, id } = call;
    const applied = appliedHeader(readWritePreferences(call, []));
    const { defined } = await this.views.find(tenant, access, name);
    const { table } = deletedOf(defined);
    if (defined.entity.rows) throw rowForbidden(defined.entity, 'Only who has all records may end what is kept of one');
    assertId(id);
    const tables = { deleted: table, history: defined.entity.past?.history };
    const purged = await tx.last(purgeStatement(tx.home, name, tables, id, uuidV7(), tx.actor));
    if (purged.length === 0) throw notDeleted();
    return new Answer(204, null, applied);
  }
}

const JSON_BODY = { 'content-type': 'application/json; charset=utf-8' };

const DAY_MS = 86_400_000;

function deletedText({ entity }: DefinedEntity, row: KeptRow, records: KeptRecords): string {
  const deletedAt = instantOf(row.endedAt);
  const { deletedDays: days } = entity.keeps;
  const keptUntil = days === null ? null : new Date(Date.parse(deletedAt) + days * DAY_MS).toISOString();
  const said = { id: row.id, deletedAt, deletedBy: row.endedBy, deletion: row.deletion, keptUntil, version: row.version };
  return `${JSON.stringify(said).slice(0, -1)},"record":${records.text(row)}}`;
}

function assertId(id: string): void {
  if (!isUuid(id)) throw notDeleted();
}
