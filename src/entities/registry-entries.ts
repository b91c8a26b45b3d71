import type { Row } from '../database/statement-batch.js';
import { type Fields, NO_FIELDS } from '../model/sealed/fields.js';
import type { Statement } from '../model/sql.js';
import type { RegistryEntry } from './defined-entity.js';

/** The definitions in force in a tenant, in order of name. To be run inside the tenant. */
export function entriesStatement(tenantId: string): Statement {
  return {
    text: `select entity_id, name, version, document, transition, pack, pack_version, fields
from business_store_service.tenant_schemas
where tenant_id = $1
  and dropped_at is null
order by name`,
    values: [tenantId],
    name: 'bss_entries',
  };
}

export function readEntry([id, name, version, text, transition, pack, packVersion, fields]: Row): RegistryEntry {
  return {
    ...{ id: id as string, name: name as string, version: Number(version), text: text as string, transition: transition ?? null },
    fields: fields ? (JSON.parse(fields) as Fields) : NO_FIELDS,
    pack: pack === null || pack === undefined ? null : { name: pack, version: packVersion as string },
  };
}
