import type pg from 'pg';
import { createLogger } from '../../src/platform/log.js';
import { readSettings } from '../../src/platform/settings.js';
import { type RunningService, startService } from '../../src/start.js';
import { type ReceivedEvent, withoutRepetitions } from './event-sink.js';
import { eventually } from './eventually.js';
import { apiOf, type TestTenant } from './service.js';
import { createSurroundings, type Surroundings } from './surroundings.js';

/** A database, and services on it that publish to wherever a test wants. */
export interface PublishingScene {
  readonly around: Surroundings;
  start(settings: Record<string, string>): Promise<RunningService>;
  /** A tenant with an entity `note`. */
  tenantOn(service: { readonly url: string }): Promise<TestTenant>;
  /** One request each, titled by number. */
  writeNotes(tenant: TestTenant, count: number): Promise<void>;
  /** As superuser. */
  admin(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  /** Until every event of every trail is sealed. */
  sealed(): Promise<void>;
  /** Until every event of every trail has arrived. */
  complete(received: () => readonly ReceivedEvent[]): Promise<void>;
  close(): Promise<void>;
}

export async function openPublishingScene(): Promise<PublishingScene> {
  const around = await createSurroundings();
  const { admin } = around.database;
  const services: RunningService[] = [];
  const sealed = (): Promise<void> => eventually(async () => (await admin('select from audit.pending limit 1')).rowCount === 0);
  return {
    ...{ around, admin, sealed },
    start: async (settings) => {
      const service = await startService(readSettings({ ...around.environment, ...settings }), createLogger('silent'));
      services.push(service);
      return service;
    },
    tenantOn: async (service) => {
      const tenant = await apiOf(service.url, around.token).tenant();
      const properties = { title: { type: 'string' } };
      await tenant.define('note', { type: 'object', properties, additionalProperties: false });
      return tenant;
    },
    writeNotes: async (tenant, count) => {
      const call = await tenant.as();
      for (let n = 0; n < count; n++)
        await call('post', '/records/note')
          .send({ title: `${n}` })
          .expect(201);
    },
    complete: async (received) => {
      await sealed();
      const { rows } = await admin('select event_id as id from audit.events');
      await eventually(() => {
        const arrived = new Set(received().map(({ id }) => id));
        return rows.every(({ id }) => arrived.has(id));
      });
    },
    close: async () => {
      await Promise.all(services.map((service) => service.stop()));
      await around.stop();
    },
  };
}

/** Titles of created records in the order in which they first arrived. */
export function titlesOf(received: readonly ReceivedEvent[], tenantId?: string): (string | undefined)[] {
  return withoutRepetitions(received)
    .filter(({ type, tenantid }) => type === 'business-store.record.created' && (!tenantId || tenantid === tenantId))
    .map(({ data }) => data.after?.title);
}
