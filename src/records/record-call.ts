import type { IncomingHttpHeaders } from 'node:http';
import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import { queryPairs, type ServiceRequest, tenantOfRequest, tenantTxOf } from '../http/request.js';
import type { JsonValue } from '../platform/json-value.js';
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
}

export const Call = createParamDecorator((_: unknown, context: ExecutionContext): RecordCall => {
  const request = context.switchToHttp().getRequest<ServiceRequest>();
  const { entity = '', id = '' } = request.params as { entity?: string; id?: string };
  return {
    tx: tenantTxOf(request),
    tenant: tenantOfRequest(request),
    entity,
    id,
    body: (request.body ?? null) as JsonValue,
    headers: request.headers,
    query: () => queryPairs(request),
  };
});
