import type { GrantRow, PlatformGrantRow } from './grants-sql.js';

/** An access grant as it is shown: to the tenants that it names without the others. */

export function grantView(row: GrantRow) {
  return {
    id: row.grant_id,
    requestedBy: row.requested_by,
    reason: row.reason,
    ticket: row.ticket,
    entities: row.entities,
    access: row.access,
    state: row.state,
    needsApproval: row.needs_approval,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    approvedBy: row.approved_by,
    approvedAt: row.approved_at,
    revokedBy: row.revoked_by,
    revokedAt: row.revoked_at,
    uses: Number(row.uses),
    lastUsedAt: row.last_used_at,
  };
}

export function platformGrantView(row: PlatformGrantRow) {
  return { ...grantView(row), tenants: row.tenants };
}
