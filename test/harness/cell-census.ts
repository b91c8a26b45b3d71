import type { TestDatabase } from './database.js';

/** Cells of a tenant as they stand in the database, told by their bytes alone: what no key is needed for. */
export interface Cells {
  readonly table: string;
  /** Of the data key. */
  readonly version: number;
  /** Which of the two search tags there are, such as `10`; `--` where the value is not searched for. */
  readonly tags: string;
  readonly count: number;
}

const NO_TAG = `'\\x${'00'.repeat(16)}'::bytea`;

/** Every column of bytes, every text in the past that looks like a cell, and what is sealed beside the records. */
export async function cellsOf(database: TestDatabase, schema: string): Promise<Cells[]> {
  const { rows: columns } = await database.admin(
    `select c.table_name as table, c.column_name as column, c.data_type as type
     from information_schema.columns as c
     join information_schema.tables as t using (table_schema, table_name)
     join pg_catalog.pg_class as p on p.oid = format('%I.%I', c.table_schema, c.table_name)::regclass and not p.relispartition
     where c.table_schema = $1
       and (c.data_type = 'bytea' or c.column_name = 'body')
     order by 1, 2`,
    [schema],
  );
  const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
  const tenant = `(select id from business_store_service.tenants where schema_name = '${schema}')`;
  const sources = columns.map(({ table, column, type }) => {
    const from = `${quoted(schema)}.${quoted(table)}`;
    if (type === 'bytea') return `select '${table}' as source, ${quoted(column)} as cell from ${from}`;
    return `select '${table}', value::bytea from ${from}, jsonb_each_text(body) where value ~ '^\\\\x0[1-4]01'`;
  });
  const texts = ['idempotency_keys', 'subject_keys'].map(
    (table) => `select '${table}', sealed from business_store_service.${table} where tenant_id = ${tenant}`,
  );
  const { rows } = await database.admin(
    `select source as table, ('x' || encode(substring(cell, 3, 4), 'hex'))::bit(32)::int as version,
       case when get_byte(cell, 0) in (2, 4)
         then (substring(cell, 7, 16) <> ${NO_TAG})::int::text || (substring(cell, 23, 16) <> ${NO_TAG})::int::text
         else '--'
       end as tags,
       count(*)::int as count
     from (${[...sources, ...texts].join('\nunion all ')}) as cells (source, cell)
     where cell is not null
     group by 1, 2, 3
     order by 1, 2, 3`,
  );
  return rows;
}
