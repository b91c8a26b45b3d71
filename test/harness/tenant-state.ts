import type { TestDatabase } from './database.js';
import type { TestTenant } from './service.js';

/** Everything a change could touch: the tables as the catalog has them, their rows, the registry, and the trail. */
export async function everythingOf({ admin }: TestDatabase, { id, schemaName }: TestTenant): Promise<unknown> {
  const { rows } = await admin(
    `select
       (select json_agg(c::text order by c::text) from (select relname, relfilenode, relacl from pg_class
          where relnamespace = $2::text::regnamespace) c) as relations,
       (select json_agg(a::text order by a::text) from (select attrelid, attnum, attname, atttypid, attnotnull, atthasdef from pg_attribute
          where attrelid in (select oid from pg_class where relnamespace = $2::text::regnamespace)) a) as columns,
       (select json_agg(c::text order by c::text) from (select conname, pg_get_constraintdef(oid) from pg_constraint
          where connamespace = $2::text::regnamespace) c) as constraints,
       (select json_agg(s::text order by s::text) from business_store_service.tenant_schemas s where tenant_id = $1) as entities,
       (select json_agg(v::text order by v::text) from business_store_service.entity_versions v where tenant_id = $1) as versions,
       (select count(*) from business_store_service.schema_changes) as changes,
       (select count(*) from business_store_service.retained_properties) as retained,
       (select count(*) from audit.events where tenant_id = $1) as events`,
    [id, `"${schemaName}"`],
  );
  return rows[0];
}
