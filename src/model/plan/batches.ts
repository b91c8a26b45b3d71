/** Updates of a table's rows, batch by batch, while everybody works on. */

import { withNulls } from './undeclared.js';

/** What rows that need it get: a value for a column, quoted, or the mark of an explicit null. Conditions on the row as it is. */
export type Fill =
  | { readonly column: string; readonly value: string; readonly needed: string }
  | { readonly mark: string; readonly needed: string };

/**
 * One batch: $1 is the tenant, $2 the last id of the batch before, $3 how many rows a batch has. Answers the last id it looked
 * at, and how many rows it changed; no id when there was none left. A row gets all it needs at once: the checks that hold
 * writers back until the switch ask for all of it too.
 */
export function batchUpdate(table: string, fills: readonly Fill[]): string {
  return `with batch as materialized (
  select id
  from ${table}
  where tenant_id = $1::uuid
    and id > $2::uuid
  order by id
  limit $3::bigint
),
filled as (
  update ${table} as record
  set ${assignments(fills).join(',\n      ')}
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and (${fills.map(({ needed }) => needed).join('\n      or ')})
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed`;
}

function assignments(fills: readonly Fill[]): string[] {
  const isOnly = fills.length === 1;
  const columns = fills.flatMap((fill) => {
    if (!('column' in fill)) return [];
    const { column, value, needed } = fill;
    return [`${column} = ${isOnly ? value : `case when ${needed} then ${value} else ${column} end`}`];
  });
  const marks = fills.flatMap((fill) => ('mark' in fill ? [{ name: fill.mark, needed: isOnly ? undefined : fill.needed }] : []));
  return marks.length === 0 ? columns : [...columns, `_extra = ${withNulls(marks)}`];
}
