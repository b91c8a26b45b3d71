import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { accessOf, actorOf, principalOf, type ServiceRequest, tenantOfRequest } from './request.js';
import type { Exchange } from './tenant-transactions.js';

/** What controllers take from the corridor, as parameter decorators. */

const requestOf = (context: ExecutionContext): ServiceRequest => context.switchToHttp().getRequest<ServiceRequest>();

/** For `TenantTransactions.answer`. */
export const CurrentExchange = createParamDecorator((_: unknown, context: ExecutionContext): Exchange => {
  const http = context.switchToHttp();
  return { request: http.getRequest(), reply: http.getResponse() };
});

export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext) => tenantOfRequest(requestOf(context)));

export const CurrentAccess = createParamDecorator((_: unknown, context: ExecutionContext) => accessOf(requestOf(context)));

export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(requestOf(context)));

export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext) => actorOf(requestOf(context)));
