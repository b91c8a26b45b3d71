import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { actorOf, principalOf, type ServiceRequest, tenantOfRequest } from './request.js';

/** What controllers take from the corridor, as parameter decorators. */

const requestOf = (context: ExecutionContext): ServiceRequest => context.switchToHttp().getRequest<ServiceRequest>();

/** The request's tenant transaction: routes marked `@InTenant` only. */
export const Tx = createParamDecorator((_: unknown, context: ExecutionContext) => {
  const { tenantTx } = requestOf(context);
  if (!tenantTx) throw new Error('the route asks for a tenant transaction without @InTenant');
  return tenantTx;
});

export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext) => tenantOfRequest(requestOf(context)));

export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(requestOf(context)));

export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext) => actorOf(requestOf(context)));
