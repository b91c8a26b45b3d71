import { type CallHandler, type ExecutionContext, Injectable, type NestInterceptor, UseInterceptors } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import { from, lastValueFrom, type Observable } from 'rxjs';
import { type Operation, ruleOf } from '../access/operations.js';
import { RuntimePool } from '../database/runtime-pool.js';
import { meetsChangedTable } from '../database/sqlstate.js';
import { TenantTx } from '../database/tenant-tx.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { Answer } from './answer.js';
import { readIdempotencyKey } from './idempotency-key.js';
import { IdempotentRequests } from './idempotent-requests.js';
import { OPERATION } from './operation.decorator.js';
import { actorOf, type ServiceRequest, tenantOfRequest } from './request.js';

/**
 * Runs a tenant route inside a lazy transaction of its tenant and lets the response leave only after COMMIT. Operations
 * that read run READ ONLY. A statement that meets a table changed by another instance refreshes the definitions and runs once
 * more: nothing of the first attempt was kept. A write with an Idempotency-Key is done once and answered alike every time.
 */
@Injectable()
export class TenantTransactionInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly pool: RuntimePool,
    private readonly directory: TenantDirectory,
    private readonly idempotent: IdempotentRequests,
  ) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const http = context.switchToHttp();
    const request = http.getRequest<ServiceRequest>();
    const operation = this.reflector.get<Operation>(OPERATION, context.getHandler());
    const readOnly = ruleOf(operation).readOnly;
    const work = async (tx: TenantTx): Promise<unknown> => {
      request.tenantTx = tx;
      return lastValueFrom(next.handle());
    };
    const tenant = tenantOfRequest(request);
    const run = (inside: (tx: TenantTx) => Promise<unknown>): Promise<unknown> => {
      const attempt = () => TenantTx.run(this.pool, tenant.home, actorOf(request), { readOnly }, inside);
      return attempt().catch((error: unknown) => {
        if (!meetsChangedTable(error)) throw error;
        this.directory.forget(tenant.id);
        return attempt();
      });
    };
    const key = readOnly ? null : readIdempotencyKey(request.headers['idempotency-key']);
    const result = key === null ? run(work) : this.idempotent.answer(request, key, work, run);
    return from(result.then((value) => (value instanceof Answer ? send(http.getResponse<FastifyReply>(), value) : value)));
  }
}

/** The route runs in a transaction of its tenant, handed to the controller by `@Tx()`. */
export const InTenant = (): ClassDecorator & MethodDecorator => UseInterceptors(TenantTransactionInterceptor);

function send(reply: FastifyReply, answer: Answer): string | undefined {
  reply.status(answer.status);
  reply.headers(answer.headers);
  if (answer.body === null) return undefined;
  if (!answer.headers['content-type']) reply.header('content-type', 'application/json; charset=utf-8');
  return answer.body;
}
