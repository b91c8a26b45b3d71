import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { actorOf, principalOf, type ServiceRequest, tenantOfRequest, tenantTxOf } from './request.js';

/** What controllers take from the corridor, as parameter decorators. */

const requestOf = (context: ExecutionContext): ServiceRequest => context.switchToHttp().getRequest<ServiceRequest>();

export const Tx = createParamDecorator((_: unknown, context: ExecutionContext) => tenantTxOf(requestOf(context)));

export const CurrentTenant = createParamDecorator((_: unknown, context: ExecutionContext) => tenantOfRequest(requestOf(context)));

export const CurrentPrincipal = createParamDecorator((_: unknown, context: ExecutionContext) => principalOf(requestOf(context)));

export const CurrentActor = createParamDecorator((_: unknown, context: ExecutionContext) => actorOf(requestOf(context)));
