import { nullableArrayLiteral } from '../model/query/array-literal.js';
import { TAG_BYTES, TAGS_AT } from '../model/sealed/cell.js';
import type { Statement } from '../model/sql.js';
import type { SealedTable } from './sealed-table.js';

/** Cells of those whose keys are destroyed: nobody opens them any more, and their search tags would still let their values be guessed. */

/** Looked at in one statement. */
const ROWS = 2_000;

/**
 * Takes them out of a page of rows behind `after`; answers with the key of its last row, and nothing where there is none.
 * @param keyIds of the destroyed keys, in hexadecimal
 */
export function eraseStatement(
  table: SealedTable,
  tenantId: string,
  after: readonly string[],
  keyIds: readonly string[],
): Statement {
  const columns = table.key.map(([column]) => column).join(', ');
  const names = table.key.map((_, index) => `k${index}`);
  const same = table.key.map(([column], index) => `held.${column} = page.k${index}`);
  const from = table.key.map(([, type], index) => `$${index + 3}::${type}`).join(', ');
  const isGone = (index: number): string => `coalesce(${holderSql(table.cells[index] as string)} = any ($2::bytea[]), false)`;
  const text = `with page as materialized (
  select ${table.key.map(([column], index) => `${column} as k${index}`).join(', ')}
  from ${table.table}
  where tenant_id = $1::uuid${after.length === 0 ? '' : `\n    and (${columns}) > (${from})`}
  order by ${columns}
  limit ${ROWS}
),
erased as (
  update ${table.table} as held
  set ${table.erasures(isGone)}
  from page
  where held.tenant_id = $1::uuid
    and ${same.join('\n    and ')}
    and (${table.cells.map((_, index) => isGone(index)).join(' or ')})
  returning 1
)
select ${names.map((name) => `${name}::text`).join(', ')}
from page
order by ${names.map((name) => `page.${name} desc`).join(', ')}
limit 1`;
  const ids = nullableArrayLiteral(keyIds, (id) => `\\x${id}`);
  return { text, values: [tenantId, ids, ...after] };
}

/** How many values of a table are under one of the keys. @param keyId in hexadecimal */
export function heldStatement(table: SealedTable, tenantId: string, keyId: string): Statement {
  const counts = table.cells.map((cell) => `count(*) filter (where ${holderSql(cell)} = $2::bytea)`);
  const text = `select ${counts.join(' + ')}
from ${table.table}
where tenant_id = $1::uuid`;
  return { text, values: [tenantId, `\\x${keyId}`] };
}

/** The id of the key that a cell is under beside the tenant's; NULL: there is none. */
function holderSql(cell: string): string {
  const [plainAt, taggedAt] = [TAGS_AT + 1, TAGS_AT + 2 * TAG_BYTES + 1];
  return `case substring(${cell}, 1, 1)
      when '\\x03' then substring(${cell}, ${plainAt}, 16)
      when '\\x04' then substring(${cell}, ${taggedAt}, 16)
    end`;
}
