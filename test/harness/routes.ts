import { DiscoveryService, MetadataScanner, NestFactory, Reflector } from '@nestjs/core';
import type { FastifyAdapter, NestFastifyApplication } from '@nestjs/platform-fastify';
import { assertOperations, type DeclaredRoute } from '../../src/http/assert-operations.js';

/** What a service really routes, noted while it builds itself, beside what its controllers declare. */
export interface WatchedRoutes {
  /** As Fastify registered them, the HEAD twins of GET routes included. */
  readonly registered: readonly { readonly method: string; readonly path: string }[];
  declared(): Promise<DeclaredRoute[]>;
}

/** Call it before the service starts, and `jest.restoreAllMocks()` afterwards. */
export function watchRoutes(): WatchedRoutes {
  const registered: { method: string; path: string }[] = [];
  const create = NestFactory.create.bind(NestFactory) as (...args: unknown[]) => Promise<NestFastifyApplication>;
  const spy = jest.spyOn(NestFactory, 'create').mockImplementation(((...args: unknown[]) => {
    (args[1] as FastifyAdapter).getInstance().addHook('onRoute', ({ method, url }) => {
      for (const one of [method].flat()) registered.push({ method: one, path: url });
    });
    return create(...args);
  }) as never);
  return {
    registered,
    declared: async () => {
      const app = (await spy.mock.results[0]?.value) as NestFastifyApplication;
      return assertOperations(app.get(DiscoveryService), new MetadataScanner(), app.get(Reflector));
    },
  };
}
