import { type Entity, EXTRA_COLUMN, type TenantHome } from '../entity.js';
import { quoteIdent, quoteLiteral } from '../sql.js';
import { tableRef } from './table-ref.js';

/**
 * Asks every row whether its undeclared members include one name: adding the constraint fails with 23514 when any does.
 * A new property of that name would otherwise hide those values.
 */
const PROBE = 'bss_extra_probe';

export function addExtraProbe(home: TenantHome, entity: Entity, member: string): string {
  return `alter table ${tableRef(home, entity)} add constraint ${quoteIdent(PROBE)} check (not coalesce(jsonb_exists(${EXTRA_COLUMN}, ${quoteLiteral(member)}), false))`;
}

export function dropExtraProbe(home: TenantHome, entity: Entity): string {
  return `alter table ${tableRef(home, entity)} drop constraint ${quoteIdent(PROBE)}`;
}
