import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ruleOf } from '../access/operations.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { meetsChangedTable } from '../database/sqlstate.js';
import type { Row } from '../database/statement-batch.js';
import { TenantTx } from '../database/tenant-tx.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { Answer } from './answer.js';
import { readIdempotencyKey } from './idempotency-key.js';
import { IdempotentRequests } from './idempotent-requests.js';
import { Overtaken } from './overtaken.js';
import { actorOf, operationOf, type ServiceRequest, tenantOfRequest } from './request.js';

/** A request and what answers it. */
export interface Exchange {
  readonly request: ServiceRequest;
  readonly reply: FastifyReply;
}

/** How often work begins anew that others were quicker than. */
const ATTEMPTS = 5;

/**
 * Runs a route's work inside a lazy transaction of its tenant and lets the response leave only after COMMIT. Operations that read run
 * READ ONLY. A statement that meets a table changed by another instance refreshes the definitions and runs once more, and what wants
 * keys that are not open runs again when they are: nothing of the first attempt was kept. A write with an Idempotency-Key is done once and answered alike every time. Controllers call it; as an
 * interceptor of Nest it cost 90 µs of CPU a request more, a third of a read.
 */
@Injectable()
export class TenantTransactions {
  constructor(
    private readonly pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly idempotent: IdempotentRequests,
    private readonly keys: TenantKeys,
  ) {}

  /** @returns what the route answers with; status and headers of an `Answer` are set already. */
  async answer({ request, reply }: Exchange, work: (tx: TenantTx) => Promise<unknown>): Promise<unknown> {
    const { readOnly } = ruleOf(operationOf(request));
    const run = (inside: (tx: TenantTx) => Promise<unknown>) => this.run(request, readOnly, inside);
    const key = readOnly ? null : readIdempotencyKey(request.headers['idempotency-key']);
    const value = await (key === null ? run(work) : this.idempotent.answer(request, key, work, run));
    return value instanceof Answer ? bodyOf(reply, value) : value;
  }

  private async run(request: ServiceRequest, readOnly: boolean, work: (tx: TenantTx) => Promise<unknown>): Promise<unknown> {
    let isRefreshed = false;
    for (let attempt = 1; ; attempt++) {
      const tenant = tenantOfRequest(request);
      try {
        const inspect = (rows: readonly Row[]): void => this.keys.assertOpen(tenant.id, rows);
        const actor = actorOf(request);
        const inTenant = () => TenantTx.run(this.pool, tenant.home, actor, { readOnly, inspect }, work);
        return await this.keys.having(tenant, inTenant, actor);
      } catch (error) {
        if (error instanceof Overtaken && attempt < ATTEMPTS) continue;
        if (isRefreshed || !meetsChangedTable(error)) throw error;
        isRefreshed = true;
        this.directory.forget(tenant.id);
      }
    }
  }
}

/** Nest sends it, under this status and these headers. */
function bodyOf(reply: FastifyReply, { status, headers, body }: Answer): string | undefined {
  reply.status(status);
  reply.headers(headers);
  if (body === null) return undefined;
  if (!headers['content-type']) reply.header('content-type', 'application/json; charset=utf-8');
  return body;
}
