import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import { queryPairs, type ServiceRequest, tenantOfRequest, tenantTxOf } from '../http/request.js';
import { REST_BASE } from '../http/rest-base.js';
import type { JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** What every record route asks of the store: the same six things, taken from the request in one place. */
export interface RecordCall {
  readonly tx: TenantTx;
  readonly tenant: Tenant;
  /** The entity's name, as in the path. */
  readonly entity: string;
  /** Of one record; empty on routes of the whole entity. */
  readonly id: string;
  /** null when there was none. */
  readonly body: JsonValue;
  readonly headers: IncomingHttpHeaders;
  readonly query: () => URLSearchParams;
  /** Path and query string as they were sent. */
  readonly url: string;
  /** The same records under two conventions: the service's own, or PostgREST's for its clients. */
  readonly surface: Surface;
}

export type Surface = 'api' | 'rest';

export const Call = createParamDecorator((_: unknown, context: ExecutionContext): RecordCall => {
  const request = context.switchToHttp().getRequest<ServiceRequest>();
  const surface = request.routeOptions.url?.startsWith(REST_BASE) ? 'rest' : 'api';
  if (surface === 'rest') assertProfile(request.headers);
  const { entity = '', id = '' } = request.params as { entity?: string; id?: string };
  return {
    tx: tenantTxOf(request),
    tenant: tenantOfRequest(request),
    entity,
    id,
    body: (request.body ?? null) as JsonValue,
    headers: request.headers,
    query: () => queryPairs(request),
    url: request.raw.url ?? '',
    surface,
  };
});

/** PostgREST's clients name a schema with it; a tenant has one, which they call `public` unless told otherwise. */
function assertProfile(headers: IncomingHttpHeaders): void {
  for (const profile of [headers['accept-profile'], headers['content-profile']].flat()) {
    if (profile === undefined || profile === 'public') continue;
    throw new Problem('request/unknown-profile', 'The only schema is public: leave Accept-Profile and Content-Profile out.');
  }
}

export function notFound(): Problem {
  return new Problem('record/not-found', 'There is no record with this id.');
}

/** A header that some clients repeat rather than join. */
export function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
