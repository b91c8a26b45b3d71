import type { TenantHome } from './entity.js';
import { quoteLiteral } from './sql.js';

/**
 * The condition that a schema change puts on every row it reads or writes, beside the role and the policy, which say the same.
 * Spelt out, because a plan shows its statements byte for byte and some of them take no parameters.
 */
export function ownRows({ tenantId }: TenantHome, alias?: string): string {
  return `${alias === undefined ? '' : `${alias}.`}tenant_id = ${quoteLiteral(tenantId)}::uuid`;
}
