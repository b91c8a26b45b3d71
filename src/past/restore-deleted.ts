import { setImmediate } from 'node:timers/promises';
import { databaseErrorOf } from '../database/sqlstate.js';
import type { Row } from '../database/statement-batch.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { auditedBody } from '../model/access/audited-body.js';
import { type KeptRow, readKept } from '../model/past/kept-row.js';
import { takeDeletedStatement } from '../model/statements/past-statements.js';
import { type RestoredRecord, type RestoredRecords, restoreStatement } from '../model/statements/restore-statement.js';
import { splitRecord } from '../model/values/record-columns.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { uuidV7Range } from '../platform/uuid.js';
import { constraintProblem } from '../records/constraint-problem.js';
import { auditedContent, incomingReplace, patchedRecord, removedFaults, unseenFaults } from '../records/incoming-record.js';
import { assertOwnWritten, writesAll } from '../records/own-writes.js';
import type { RecordCall } from '../records/record-call.js';
import { assertValid } from '../records/record-faults.js';
import { recordSql } from '../records/record-sql.js';
import { assertTakesOwnAlong, referrersOf } from '../records/referring-records.js';
import { rowForbidden } from '../records/row-forbidden.js';
import { assertReferencesSeen } from '../records/seen-references.js';
import { KeptRecords } from './kept-records.js';
import { ownOf } from './own-kept.js';
import { deletedOf, notDeleted } from './past-table.js';
import { type Returning, takenAlong } from './taken-along.js';

/** Records prepared in one turn of the event loop. */
const YIELD_EVERY = 1_000;

/**
 * Stores a deleted record again and with it, level by level, the records that its deletion took along. Runs and commits the
 * caller's transaction.
 * @returns the row of the record, as `recordSql(…).record` reads it
 */
export async function restoreDeleted(
  { tx, access, id, body: patch }: RecordCall,
  entities: ReadonlyMap<string, DefinedEntity>,
  defined: DefinedEntity,
): Promise<Row> {
  assertTakesOwnAlong(referrersOf(entities), defined.name, access);
  const [taken] = (await tx.query(takeDeletedStatement(tx.home, deletedOf(defined), id))).map(readKept);
  if (!taken) throw notDeleted();
  await assertOwn(tx, defined, taken);
  const root: Returning = { defined, kept: taken, content: await contentOf(tx, defined, taken, patch) };
  const all = [root, ...(await takenAlong(tx, entities, root))];
  const groups = [...new Set(all.map((each) => each.defined))].map((each) => all.filter((other) => other.defined === each));
  const events = uuidV7Range(all.length);
  let next = 0;
  const restored: RestoredRecords[] = [];
  for (const group of groups) {
    const records: RestoredRecord[] = [];
    for (const each of group) {
      if (next % YIELD_EVERY === YIELD_EVERY - 1) await setImmediate();
      records.push(recordOf(each, events.ids[next++] as string));
    }
    restored.push({ entity: (group[0] as Returning).defined.entity, records });
  }
  const [{ records: [first] = [] } = {}] = restored;
  if (first) await assertReferencesSeen(tx, defined.entity, [first]);
  const statement = restoreStatement(
    tx.home,
    restored,
    recordSql(defined).record.columns,
    { first: events.first, last: events.last, count: all.length },
    tx.actor,
  );
  const restoring = writesAll(defined.entity) ? tx.last(statement) : tx.query(statement);
  const rows = await restoring.catch((error: unknown) => {
    const table = databaseErrorOf(error)?.table;
    const broken = groups.map((group) => (group[0] as Returning).defined.entity).find((entity) => entity.table === table);
    throw constraintProblem(error, broken ?? defined.entity, false);
  });
  await assertOwnWritten(tx, defined.entity, [id]);
  const { idAt } = recordSql(defined);
  return rows.find((row) => row[idAt] === id.toLowerCase()) as Row;
}

/** Thrown, it is back in its place. @throws Problem record/not-deleted, as where there is none; record/row-forbidden */
async function assertOwn(tx: TenantTx, defined: DefinedEntity, taken: KeptRow): Promise<void> {
  const { rows } = defined.entity;
  if (!rows) return;
  if ((await ownOf(tx, defined, [taken], rows.read)).length === 0) throw notDeleted();
  if ((await ownOf(tx, defined, [taken], rows.write)).length === 0) throw rowForbidden(defined.entity);
}

async function contentOf(tx: TenantTx, defined: DefinedEntity, kept: KeptRow, patch: JsonValue): Promise<JsonObject> {
  const stored = (await KeptRecords.of(tx, defined, [kept], 'stored')).carried(kept);
  if (patch === null) return stored;
  const { entity } = defined;
  const patched = patchedRecord(entity, stored, patch);
  const { content, faults } = incomingReplace(entity, patched, stored);
  assertValid([...unseenFaults(entity, patch, ''), ...removedFaults(entity, stored, patched, ''), ...faults]);
  return content;
}

/** What was valid when it was deleted need not be any more. */
function recordOf({ defined, kept, content }: Returning, eventId: string): RestoredRecord {
  const { entity, validator, name } = defined;
  const which = `The ${name} ${kept.id} is not valid under the document of today: send a merge patch that makes it so. `;
  assertValid(validator.validate(content), which);
  const { created_at: createdAt, created_by: createdBy } = JSON.parse(kept.body) as { created_at: string; created_by: string };
  return {
    id: kept.id,
    ...splitRecord(entity, kept.id, content),
    eventId,
    ...auditedBody(entity, { after: auditedContent(entity, content) }),
    ...{ createdAt, createdBy, revision: kept.revision, endedAt: kept.endedAt },
  };
}
