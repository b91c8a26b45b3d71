/** Updates of a table's rows, batch by batch, while everybody works on. */

export interface BatchUpdate {
  readonly table: string;
  /** What follows SET; may name the table's columns as `record.…`. */
  readonly set: string;
  /** Conditions that a row needs the update. */
  readonly where: readonly string[];
}

/**
 * One batch: $1 is the tenant, $2 the last id of the batch before, $3 how many rows a batch has. Answers the last id it looked
 * at, and how many rows it changed; no id when there was none left.
 */
export function batchUpdate({ table, set, where }: BatchUpdate): string {
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
  set ${set}
  from batch
  where record.tenant_id = $1::uuid
    and record.id = batch.id
    and ${where.join('\n    and ')}
  returning record.id
)
select
  (select id from batch order by id desc limit 1) as last_id,
  (select count(*) from filled) as changed`;
}
