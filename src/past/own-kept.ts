import type { TenantTx } from '../database/tenant-tx.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { isSystemMember, type RowColumn, type RowRule } from '../model/entity.js';
import { type KeptRow, readKept } from '../model/past/kept-row.js';
import { columnsAsked, ownKeptStatement } from '../model/past/own-kept-statement.js';
import { columnText } from '../model/query/column-text.js';
import { keptRowsStatement, type PastPage, type PastTable } from '../model/statements/past-statements.js';
import type { JsonObject } from '../platform/json-value.js';
import { KeptRecords } from './kept-records.js';

/**
 * Which kept rows are a caller's, where row rules leave it only some: those that the rules of today would leave it if they were
 * records still, with what they say under the document of today. Tables of the past have no policies of their own.
 */

/** Rows read at once on the way to those that are the caller's. */
const BATCH = 500;

/** As `keptRowsStatement` finds them, but for those that are not the caller's; a transaction takes only so long. */
export async function ownKeptRows(
  tx: TenantTx,
  defined: DefinedEntity,
  past: PastTable,
  id: string | null,
  page: PastPage,
): Promise<readonly KeptRow[]> {
  const { read = true } = defined.entity.rows ?? {};
  if (read === true) return (await tx.query(keptRowsStatement(tx.home, past, id, page))).map(readKept);
  if (read === false) return [];
  const found: KeptRow[] = [];
  let { after } = page;
  for (;;) {
    const batch = (await tx.query(keptRowsStatement(tx.home, past, id, { after, limit: BATCH }))).map(readKept);
    found.push(...(await ownOf(tx, defined, batch, read)));
    const last = batch.at(-1);
    if (batch.length < BATCH || last === undefined || found.length >= page.limit) return found.slice(0, page.limit);
    after = last;
  }
}

/** In their order. */
export async function ownOf(
  tx: TenantTx,
  defined: DefinedEntity,
  rows: readonly KeptRow[],
  rule: RowRule,
): Promise<readonly KeptRow[]> {
  if (rule === true || rows.length === 0) return rows;
  if (rule === false) return [];
  const columns = columnsAsked(rule);
  const records = await KeptRecords.of(tx, defined, rows, 'stored');
  const readable = rows.flatMap((row) => {
    const texts = textsOf(row, records.carried(row), columns);
    return texts ? [{ row, texts }] : [];
  });
  if (readable.length === 0) return [];
  const statement = ownKeptStatement(
    rule,
    readable.map(({ texts }) => texts),
  );
  const places = new Set((await tx.query(statement)).map(([place]) => Number(place) - 1));
  return readable.flatMap(({ row }, index) => (places.has(index) ? [row] : []));
}

/** undefined: a value is none of its column's type today, so that nobody can say whose the row is. */
function textsOf(row: KeptRow, record: JsonObject, columns: readonly RowColumn[]): (string | null)[] | undefined {
  const kept = { ...(JSON.parse(row.body) as Record<string, string>), id: row.id };
  const texts: (string | null)[] = [];
  for (const { name, type } of columns) {
    if (isSystemMember(name)) {
      texts.push((kept as Record<string, string>)[name] ?? null);
      continue;
    }
    const value = Object.hasOwn(record, name) ? record[name] : null;
    const text = value === null || value === undefined ? null : columnText(type, String(value));
    if (text === null && value !== null && value !== undefined) return undefined;
    texts.push(text);
  }
  return texts;
}
