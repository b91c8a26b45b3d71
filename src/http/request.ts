import type { FastifyRequest } from 'fastify';
import type { Principal } from '../access/principal.js';
import type { Actor } from '../database/context-token.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** What the corridor adds to a request on its way to a controller. */
export interface ServiceRequest extends FastifyRequest {
  principal?: Principal;
  /** Set on tenant routes, once the principal may enter. */
  tenant?: Tenant;
  tenantTx?: TenantTx;
}

/** The request's principal as the database and the audit trail know it. */
export function actorOf(request: ServiceRequest): Actor {
  const { subject, roles } = principalOf(request);
  return { subject, roles, requestId: request.id };
}

export function principalOf(request: ServiceRequest): Principal {
  if (!request.principal) throw new Error('the route declares an operation without credentials, but asks for the principal');
  return request.principal;
}

export function tenantOfRequest(request: ServiceRequest): Tenant {
  if (!request.tenant) throw new Error('the route is not a tenant route, but asks for the tenant');
  return request.tenant;
}

/** The query string's pairs, decoded, in order, duplicates kept: the record grammar needs all three. */
export function queryPairs(request: FastifyRequest): URLSearchParams {
  const url = request.raw.url ?? '';
  const start = url.indexOf('?');
  return new URLSearchParams(start < 0 ? '' : url.slice(start + 1));
}
