import { writableRows } from '../access/row-rule-sql.js';
import { tableRef } from '../ddl/table-ref.js';
import { type Entity, TENANT_COLUMN, type TenantHome } from '../entity.js';
import { arrayLiteral } from '../query/array-literal.js';
import type { Statement } from '../sql.js';

/** How many of the records are the caller's to write. */
export function ownedStatement(home: TenantHome, entity: Entity, ids: readonly string[]): Statement {
  const { sql, values } = writableRows(entity, '', 2);
  const text = `select count(*)
from ${tableRef(home, entity)}
where ${TENANT_COLUMN} = $1::uuid
  and id = any($2::uuid[])${sql}`;
  return { text, values: [home.tenantId, arrayLiteral(ids), ...values] };
}
