import { isDeepStrictEqual } from 'node:util';
import { Injectable } from '@nestjs/common';
import { createPatch, type Pointer } from 'rfc6902';
import type { Row } from '../database/statement-batch.js';
import { EntityViews } from '../entities/entity-views.js';
import { Answer } from '../http/answer.js';
import type { KeptRow } from '../model/past/kept-row.js';
import { appliedHeader } from '../model/query/prefer.js';
import { forgetHistoryStatement, type PastPosition } from '../model/statements/past-statements.js';
import type { JsonObject } from '../platform/json-value.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';
import { withoutSystemMembers } from '../records/incoming-record.js';
import { keptBackHeader } from '../records/kept-back-header.js';
import { notFound, type RecordCall } from '../records/record-call.js';
import { type RecordSql, recordSql } from '../records/record-sql.js';
import { rowForbidden } from '../records/row-forbidden.js';
import { readWritePreferences } from '../records/write-request.js';
import { KeptRecords } from './kept-records.js';
import { ownKeptRows } from './own-kept.js';
import { instantOf, positionBefore, readPastPage } from './past-page.js';
import { historyOf } from './past-table.js';

/** A version of a record, as it is or as it was kept. */
interface Version {
  readonly revision: number;
  /** Of the document. */
  readonly version: number;
  readonly at: string;
  readonly by: string;
  /** JSON text, and what it says; of `at` and `by` only the record knows. */
  readonly text: string;
  readonly record: JsonObject;
  readonly kept: KeptRow | null;
}

/** What happened to a record: every version with who made it, when, and what differs from the one before. */
@Injectable()
export class RecordHistory {
  constructor(private readonly views: EntityViews) {}

  /** Latest first. @throws Problem past/not-kept, record/not-found */
  async list({ tx, tenant, access, entity: name, id, query }: RecordCall): Promise<Answer> {
    const { defined } = await this.views.find(tenant, access, name);
    const past = historyOf(defined);
    const page = readPastPage(query());
    if (!isUuid(id)) throw notFound();
    const sql = recordSql(defined);
    const [live] = page.after === null ? await tx.query(sql.get(id)) : [];
    // What others did to the record since it was read is not in this answer, or the version they replaced would be there twice.
    const after = page.after ?? (live ? positionOf(live, sql) : null);
    // One more than is shown tells what the last of them changed, and one behind it that the list goes on.
    const rows = await ownKeptRows(tx, defined, past, id, { after, limit: page.limit + 1 });
    if (!live && rows.length === 0 && page.after === null) throw notFound();
    const records = await KeptRecords.of(tx, defined, rows, this.views.sightOf(tenant, access));
    const current = live ? [versionOf(sql.record.write(live), defined.version, null)] : [];
    const versions = [...current, ...rows.map((row) => versionOf(records.text(row), row.version, row))];
    const shown = versions.slice(0, page.limit);
    const items = shown.flatMap((version, index) => entriesOf(version, versions[index + 1], records));
    const following = versions[shown.length]?.kept;
    const next = following ? JSON.stringify(positionBefore(following)) : 'null';
    return new Answer(200, `{"items":[${items.join(',')}],"next":${next}}`, {
      'content-type': 'application/json; charset=utf-8',
      ...keptBackHeader([...(live ? sql.record.keptBack : []), ...records.keptBack]),
    });
  }

  /** Ends what is kept of a record's former versions, whether it lives or not. @throws Problem past/not-kept, record/not-found */
  async purge(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, id } = call;
    const applied = appliedHeader(readWritePreferences(call, []));
    const { defined } = await this.views.find(tenant, access, name);
    const { table } = historyOf(defined);
    // What the versions of a record were is not told by whether they may be purged.
    if (defined.entity.rows) throw rowForbidden(defined.entity, 'Only who has all records may end what is kept of one');
    if (!isUuid(id)) throw notFound();
    const forgotten = await tx.query(forgetHistoryStatement(tx.home, name, table, id, uuidV7(), tx.actor));
    if (forgotten.length === 0 && (await tx.query(recordSql(defined).get(id))).length === 0) throw notFound();
    return new Answer(204, null, applied);
  }
}

/** Behind it is whatever came to be past until the record was as it is. */
function positionOf(live: Row, { record, idAt, revisionAt }: RecordSql): PastPosition {
  const [endedAt, id, revision] = [live[record.columns.indexOf('updated_at')], live[idAt], live[revisionAt]] as string[];
  return { endedAt: endedAt as string, id: id as string, revision: revision as string };
}

function versionOf(text: string, version: number, kept: KeptRow | null): Version {
  const record = JSON.parse(text) as JsonObject;
  const { revision, updated_at: at, updated_by: by } = record as { revision: number; updated_at: string; updated_by: string };
  return { ...{ revision, version, at, by, text, kept }, record: withoutSystemMembers(record) };
}

/** The version, and before it in the list, since it came later, its deletion if it ended with one. */
function entriesOf(version: Version, before: Version | undefined, records: KeptRecords): string[] {
  const { revision, at, by, text, kept } = version;
  const deletion =
    kept?.deletion == null
      ? []
      : [
          JSON.stringify({
            action: 'deleted',
            at: instantOf(kept.endedAt),
            by: kept.endedBy,
            revision,
            version: version.version,
          }),
        ];
  // Versions of a time that kept none are missing, and an id may be given again once its record was deleted.
  const former = before?.revision === revision - 1 ? before : undefined;
  const action = revision === 1 ? 'created' : former?.kept?.deletion != null ? 'restored' : 'updated';
  const changes = former ? { changes: changesBetween(former, version, records) } : {};
  const said = JSON.stringify({ action, at, by, revision, version: version.version, ...changes });
  return [...deletion, `${said.slice(0, -1)},"record":${text}}`];
}

/** RFC 6902, from the version before: under the names that this one has for what was renamed in between. */
function changesBetween(before: Version, { record, version }: Version, records: KeptRecords) {
  return createPatch(records.carriedTo(before.version, version)(before.record), record, replacedArrays);
}

/** Arrays are values as in a merge patch (RFC 7396): their smallest difference takes the product of their lengths to find. */
function replacedArrays(former: unknown, value: unknown, at: Pointer) {
  if (!Array.isArray(former) || !Array.isArray(value)) return undefined;
  return isDeepStrictEqual(former, value) ? [] : [{ op: 'replace' as const, path: at.toString(), value }];
}
