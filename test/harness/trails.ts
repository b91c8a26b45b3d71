import { randomUUID } from 'node:crypto';
import { Registry } from 'prom-client';
import { auditSinks } from '../../src/audit/audit-sinks.js';
import { Publishing } from '../../src/audit/publishing.js';
import { createLogger } from '../../src/platform/log.js';
import { createTestDatabase, type TestDatabase } from './database.js';
import { eventually } from './eventually.js';

/** Trails of tenants that need not exist, sealed, and publishers of them without a service around. */
export interface Trails {
  readonly database: TestDatabase;
  /** Writes and seals so many events, titled by number from `from` on; with a body each of about so many bytes. */
  write(tenantId: string, count: number, options?: { from?: number; bytes?: number }): Promise<void>;
  /** As an instance would, from settings; ended with the trails at the latest. */
  publish(setting: string, options?: { from?: 'begin' | 'now' }): Promise<RunningPublishing>;
  /** Until the place, the only one unless it is named, has everything. */
  published(sink?: string): Promise<void>;
  close(): Promise<void>;
}

export interface RunningPublishing {
  readonly registry: Registry;
  readonly sinks: readonly string[];
  stop(): Promise<void>;
}

/** @param given a database that somebody else drops */
export async function openTrails(given: TestDatabase | null = null): Promise<Trails> {
  const database = given ?? (await createTestDatabase());
  const running: RunningPublishing[] = [];
  return {
    database,
    write: async (tenantId, count, { from = 0, bytes = 0 } = {}) => {
      await database.admin(EVENTS, [tenantId, from, from + count - 1, bytes]);
      await database.admin('select audit.seal(1000000)');
    },
    publish: async (setting, { from = 'begin' } = {}) => {
      const logger = createLogger(process.env.TEST_LOG ?? 'silent');
      const sinks = auditSinks({ AUDIT_SINK: setting }, logger);
      const registry = new Registry();
      const publishing = new Publishing({
        ...{ controlUrl: database.controlUrl, contextKeys: [database.contextKey], sinks, logger, registry },
        settings: { AUDIT_SINK_FROM: from },
      });
      await publishing.start();
      const one = { registry, sinks: sinks.map(({ name }) => name), stop: () => publishing.stop() };
      running.push(one);
      return one;
    },
    published: (sink) =>
      eventually(async () => {
        const { rows } = await database.admin(
          `select s.sink, count(h) filter (where h.seq > coalesce(p.seq, 0))::integer as behind
           from audit.sinks as s
           cross join audit.heads as h
           left join audit.publishing as p on p.sink = s.sink and p.tenant_id = h.tenant_id
           where s.sink = coalesce($1, s.sink)
           group by s.sink`,
          [sink],
        );
        return rows.length > 0 && rows.every(({ behind }) => behind === 0);
      }),
    close: async () => {
      await Promise.all(running.map((one) => one.stop()));
      if (!given) await database.drop();
    },
  };
}

export function newTenant(): string {
  return randomUUID();
}

/** Ids in order of the numbers, as those of version 7 are in order of time. */
const EVENTS = `with written as (
  insert into audit.events (tenant_id, event_id, actor, request_id, action, entity, record_id, body)
  select $1::uuid, (lpad(to_hex((extract(epoch from now()) * 1000)::bigint), 12, '0') || '7000'
      || '8' || lpad(to_hex(n), 15, '0'))::uuid,
    'admin@test', 'request', 'record.created', 'note', gen_random_uuid(),
    json_build_object('after', json_build_object('title', n::text, 'text', repeat('x', $4::integer)))::text
  from generate_series($2::integer, $3::integer) as n
  returning event_id
)
insert into audit.pending (tenant_id, first_event_id, last_event_id, events)
select $1::uuid, min(event_id::text)::uuid, max(event_id::text)::uuid, count(*)
from written`;
