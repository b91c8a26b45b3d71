import type { FastifyRequest } from 'fastify';
import { Access } from '../access/access.js';
import type { Operation } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import type { Actor } from '../database/context-token.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** What the corridor adds to a request on its way to a controller. */
export interface ServiceRequest extends FastifyRequest {
  principal?: Principal;
  /** What its route does; set by the guard, but on public routes. */
  operation?: Operation;
  /** Set on tenant routes, once the principal may enter. */
  tenant?: Tenant;
  /** What the principal may do there; set with the tenant. */
  access?: Access;
  /** What its answer says of what the tenant may still send, where there is a limit. */
  rateLimitFields?: Readonly<Record<string, string>>;
  /** SHA-256 of the body as it was sent, hex; only of requests with an Idempotency-Key. */
  bodyHash?: string;
}

/** The id of the access grant by which a system administrator asks, as it was sent; null: there is none. */
export function grantNamed({ headers }: ServiceRequest): string | null {
  const named = headers['x-access-grant'];
  return named === undefined ? null : [named].flat().join(', ');
}

/** The request's principal as the database and the audit trail know it. */
export function actorOf(request: ServiceRequest): Actor {
  const { subject, claims } = principalOf(request);
  const { roles, grant } = request.access ?? Access.of(principalOf(request));
  return { subject, roles, claims, requestId: request.id, ...(grant && { grantId: grant.id }) };
}

export function accessOf(request: ServiceRequest): Access {
  if (!request.access) throw new Error('the route is not a tenant route, but asks what may be done there');
  return request.access;
}

export function principalOf(request: ServiceRequest): Principal {
  if (!request.principal) throw new Error('the route declares an operation without credentials, but asks for the principal');
  return request.principal;
}

export function operationOf({ operation }: ServiceRequest): Operation {
  if (!operation) throw new Error('the route declares a public operation, but asks for what it may do');
  return operation;
}

export function tenantOfRequest(request: ServiceRequest): Tenant {
  if (!request.tenant) throw new Error('the route is not a tenant route, but asks for the tenant');
  return request.tenant;
}

/** The query string's pairs, decoded, in order, duplicates kept: the record grammar needs all three. */
export function queryPairs(request: FastifyRequest): URLSearchParams {
  const url = request.raw.url ?? '';
  const start = url.indexOf('?');
  const query = start < 0 ? '' : url.slice(start + 1);
  const pairs = new URLSearchParams(query);
  // What is not UTF-8 became U+FFFD, and a filter on that would quietly match nothing.
  if (query.includes('%') && pairs.toString().includes('%EF%BF%BD') && !/%EF%BF%BD/i.test(query)) {
    throw new Problem('request/invalid-query', 'A percent-encoding in the query string is not UTF-8.');
  }
  return pairs;
}
