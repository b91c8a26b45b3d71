import type { PlanExecutor } from './plan-executor.js';

/** What Postgres has for a table, in sentences, so that two tables can be compared whoever's they are. */

/** Columns in order of name, constraints, indexes, policies and grants; what is hidden, and guards, left out. */
export async function describeTable(executor: PlanExecutor, table: string): Promise<readonly string[]> {
  const { schema, role, ownerRole, tenantId } = executor.home;
  const rows = await executor.ask(DESCRIBE, [schema, table]);
  return rows.map(([line]) =>
    (line as string)
      .replaceAll(schema, 'SCHEMA')
      .replaceAll(role, 'ROLE')
      .replaceAll(ownerRole, 'OWNER')
      .replaceAll(tenantId, 'TENANT'),
  );
}

const DESCRIBE = `with it as (
  select c.*
  from pg_class c
  where c.relnamespace = $1::regnamespace
    and c.relname = $2
),
lines as (
  select 'column ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
    || case when a.attnotnull then ' not null' else '' end
    || case when a.atthasdef then ' with a default' else '' end as line
  from it
  join pg_attribute a on a.attrelid = it.oid
  where a.attnum > 0
    and not a.attisdropped
    and a.attname !~ '^~'
  union all
  select 'constraint ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
    || case when k.convalidated then '' else ' unchecked' end
  from it
  join pg_constraint k on k.conrelid = it.oid
  where k.contype <> 'n'
    and (k.conname !~ '^_extra' or k.conname ~ '~new$')
  union all
  select 'index ' || case when i.indisvalid then '' else 'invalid ' end || pg_get_indexdef(i.indexrelid)
  from it
  join pg_index i on i.indrelid = it.oid
  union all
  select 'policy ' || p.polname || ' ' || p.polcmd::text || ' ' || pg_get_expr(p.polqual, p.polrelid) || ' '
    || pg_get_expr(p.polwithcheck, p.polrelid) || ' ' || p.polroles::regrole[]::text
  from it
  join pg_policy p on p.polrelid = it.oid
  union all
  select 'table ' || relname || ' row security ' || relrowsecurity::text || ' forced ' || relforcerowsecurity::text || ' '
    || relowner::regrole::text || ' ' || relacl::text
  from it
)
select line
from lines
order by line`;
