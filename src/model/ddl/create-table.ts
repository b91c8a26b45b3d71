/** From an entity to its table. Relations come separately, once every table exists (`add-relation.ts`). */

import { type Entity, SYSTEM_MEMBERS, type TenantHome } from '../entity.js';
import { derivedName } from '../names.js';
import { quoteIdent } from '../sql.js';
import { addChecks, tenantPin } from './add-check.js';
import { addConstraint } from './add-constraint.js';
import { addIndex } from './add-index.js';
import { addUnique } from './add-unique.js';
import { columnDefinition } from './column.js';
import { rowRulePolicies } from './row-rule-policies.js';
import { rowSecurity } from './row-security.js';
import { tableRef } from './table-ref.js';

/**
 * The statements that create an entity's table, in order, each sent alone (extended protocol, no parameters) as the
 * tenant's owner role and in one transaction: table, constraints and indexes by name, row security, and last the only
 * grant there is, so that the tenant role never holds a table without its locks.
 */
export function createTable(home: TenantHome, entity: Entity): readonly string[] {
  const table = tableRef(home, entity);
  const { id, ...stamps } = SYSTEM_MEMBERS;
  const columns = [
    'tenant_id uuid not null',
    `id ${id} not null`,
    ...entity.properties.map(columnDefinition),
    '_extra jsonb',
    ...Object.entries(stamps).map(([name, type]) => `${name} ${type} not null`),
  ];
  return [
    `create table ${table} (\n  ${columns.join(',\n  ')}\n)`,
    `alter table ${table} add constraint ${quoteIdent(derivedName([entity.table], 'pkey'))} primary key (id)`,
    addConstraint(home, entity, tenantPin(home, entity)),
    ...entity.properties.flatMap((property) => addChecks(home, entity, property)),
    ...entity.uniqueKeys.flatMap((key) => addUnique(home, entity, key)),
    ...entity.indexes.flatMap((index) => addIndex(home, entity, index)),
    ...rowSecurity(home, table),
    ...rowRulePolicies(home, table, entity.rowRules),
    `grant select, insert, update, delete on table ${table} to ${quoteIdent(home.role)}`,
  ];
}
