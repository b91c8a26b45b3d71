import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import type { Operation } from '../access/operations.js';
import type { TenantTx } from '../database/tenant-tx.js';
import type { Answer } from '../http/answer.js';
import { DenialLog } from '../http/denial-log.js';
import { accessOf, operationOf, queryPairs, type ServiceRequest, tenantOfRequest } from '../http/request.js';
import { REST_BASE } from '../http/rest-base.js';
import { type Exchange, TenantTransactions } from '../http/tenant-transactions.js';
import type { JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import type { Tenant } from '../tenants/tenant-directory.js';

/** What every record route asks of the store: the same things, taken from the request in one place. */
export interface RecordCall {
  readonly tx: TenantTx;
  readonly tenant: Tenant;
  /** What the caller may do. */
  readonly access: Access;
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

const DENIALS: ReadonlySet<string> = new Set(['auth/forbidden', 'record/field-forbidden', 'record/row-forbidden']);

/** What controllers of records hand their requests to. */
@Injectable()
export class RecordCalls {
  constructor(
    private readonly transactions: TenantTransactions,
    private readonly denials: DenialLog,
  ) {}

  /** @returns the body; it leaves after COMMIT. */
  answer(exchange: Exchange, work: (call: RecordCall) => Promise<Answer>): Promise<unknown> {
    const { request } = exchange;
    const answer = this.transactions.answer(exchange, async (tx) => work(recordCall(request, tx)));
    return answer.catch((error: unknown) => this.denied(request, error));
  }

  /** What the guard could not know of, its trail hears of all the same. */
  private async denied(request: ServiceRequest, error: unknown): Promise<never> {
    if (error instanceof Problem && DENIALS.has(error.code)) {
      const operation = (error.extensions.operation as Operation | undefined) ?? operationOf(request);
      await this.denials.record(request, accessOf(request).principal, operation);
    }
    throw error;
  }
}

function recordCall(request: ServiceRequest, tx: TenantTx): RecordCall {
  const surface = request.routeOptions.url?.startsWith(REST_BASE) ? 'rest' : 'api';
  if (surface === 'rest') assertProfile(request.headers);
  const { entity = '', id = '' } = request.params as { entity?: string; id?: string };
  return {
    tx,
    tenant: tenantOfRequest(request),
    access: accessOf(request),
    entity,
    id,
    body: (request.body ?? null) as JsonValue,
    headers: request.headers,
    query: () => queryPairs(request),
    url: request.raw.url ?? '',
    surface,
  };
}

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
