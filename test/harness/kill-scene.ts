import pg from 'pg';
import { type ChildService, startChildService } from './child-service.js';
import { startTestService, type TestService, type TestTenant } from './service.js';
import { type StatementKiller, startStatementKiller } from './statement-killer.js';
import { createSurroundings, type Surroundings } from './surroundings.js';

/**
 * Where changes of entities are cut off: a database of its own, one tenant, a service that lives on to look after it, and killers
 * between the database and those that are to die.
 */
export interface KillScene {
  readonly around: Surroundings;
  /** Lives on, and never by way of a killer. */
  readonly other: TestService;
  readonly tenant: TestTenant;
  /** To the service that lives on, as the tenant's admin. */
  readonly call: Awaited<ReturnType<TestTenant['as']>>;
  /** As superuser, on connections that stay open: a death is followed by several questions. */
  admin(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  newKiller(): Promise<StatementKiller>;
  /** A service in a process of its own, which SIGKILL ends. */
  startChild(killer: StatementKiller): Promise<ChildService>;
  /** POST to a child, as the tenant's admin. */
  send(child: ChildService, path: string, body: unknown): Promise<Response>;
  /** Stores so many records. */
  fill(entity: string, make: (n: number) => object, count: number): Promise<void>;
  /** Hash of the plan as it is now. */
  planHash(entity: string, document: object): Promise<string>;
  /** With whatever is left of children and killers. */
  close(): Promise<void>;
}

/** Most records in one request. */
const CHUNK = 6_000;

// Processes of their own take their time on a busy machine.
jest.setTimeout(900_000);

export async function openKillScene(): Promise<KillScene> {
  const around = await createSurroundings();
  const other = await startTestService({}, around);
  const tenant = await other.tenant();
  const token = await other.token(['admin'], tenant.id);
  const call = await tenant.as();
  const admin = new pg.Pool({ connectionString: around.database.adminUrl, max: 4, idleTimeoutMillis: 0 });
  const children: ChildService[] = [];
  const killers: StatementKiller[] = [];
  return {
    ...{ around, other, tenant, call },
    admin: (sql, values = []) => admin.query(sql, [...values]),
    newKiller: async () => {
      const killer = await startStatementKiller(around.database.runtimeUrl);
      killers.push(killer);
      return killer;
    },
    startChild: async (killer) => {
      const child = await startChildService({
        ...around.environment,
        DATABASE_URL: killer.through(around.database.runtimeUrl),
        DATABASE_CONTROL_URL: killer.through(around.database.controlUrl),
      });
      children.push(child);
      return child;
    },
    send: (child, path, body) =>
      fetch(`${child.url}/api/v1/tenants/${tenant.id}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    fill: async (entity, make, count) => {
      for (let n = 0; n < count; n += CHUNK) {
        const records = Array.from({ length: Math.min(CHUNK, count - n) }, (_, i) => make(n + i));
        await call('post', `/records/${entity}`).set('prefer', 'return=minimal').send(records).expect(201);
      }
    },
    planHash: async (entity, document) => (await call('post', `/entities/${entity}/plan`).send(document).expect(200)).body.hash,
    close: async () => {
      for (const child of children) child.signal('SIGKILL');
      await Promise.all(children.map(({ ended }) => ended));
      await Promise.all([...killers.map((killer) => killer.close()), admin.end()]);
      await other.stop();
    },
  };
}
