import { RequestMethod, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { OPERATIONS } from '../access/operations.js';
import { OPERATION } from './operation.decorator.js';

export interface DeclaredRoute {
  readonly controller: string;
  readonly handler: string;
  readonly method: string;
  readonly path: string;
  readonly operation: string;
}

/** Every route of every controller with its operation. @throws when a route declares none: the service does not boot. */
export function assertOperations(discovery: DiscoveryService, scanner: MetadataScanner, reflector: Reflector): DeclaredRoute[] {
  const routes = discovery.getControllers().flatMap(({ metatype }) => {
    const controller = metatype as Type;
    const bases = [reflector.get<string | string[]>(PATH_METADATA, controller) ?? ''].flat();
    return scanner.getAllMethodNames(controller.prototype).flatMap((handler) => {
      const method = controller.prototype[handler];
      const verb: RequestMethod | undefined = reflector.get(METHOD_METADATA, method);
      if (verb === undefined) return [];
      const paths = [reflector.get<string | string[]>(PATH_METADATA, method)].flat();
      const operation = reflector.get<string>(OPERATION, method);
      const pairs = bases.flatMap((base) => paths.map((path) => [base, path] as const));
      return pairs.map(([base, path]) => ({
        controller: controller.name,
        handler,
        method: RequestMethod[verb],
        path: `/${base}/${path}`.replaceAll(/\/{2,}/g, '/').replace(/(.)\/$/, '$1'),
        operation,
      }));
    });
  });
  const silent = routes.filter(({ operation }) => operation === undefined || !Object.hasOwn(OPERATIONS, operation));
  if (silent.length > 0) {
    throw new Error(
      `routes without a declared operation: ${silent.map(({ controller, handler }) => `${controller}.${handler}`).join(', ')}`,
    );
  }
  return routes;
}
