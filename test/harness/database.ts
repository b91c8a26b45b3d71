import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { bootstrap } from '../../src/database/bootstrap.js';
import type { ContextKey } from '../../src/database/context-token.js';
import { ControlPlane } from '../../src/database/control-plane.js';
import { EntityVersionRow, TenantSchemaRow } from '../../src/entities/entity.rows.js';
import { packageRoot } from '../../src/platform/package-root.js';
import { TenantRow } from '../../src/tenants/tenant.row.js';

/** A database of its own for each test file, cloned from a migrated template: 0.05-0.11 s a clone. */

// The first one makes the template, and on a busy machine each takes longer than jest waits by itself.
jest.setTimeout(30_000);

export interface TestDatabase {
  readonly name: string;
  /** Superuser, for preparing and for sabotage; never for the behaviour under test. */
  readonly adminUrl: string;
  readonly runtimeUrl: string;
  readonly controlUrl: string;
  readonly contextKey: ContextKey;
  /** As superuser, on a connection of its own. */
  admin(sql: string, values?: readonly unknown[]): Promise<pg.QueryResult>;
  drop(): Promise<void>;
}

/** Named after the SQL it was made from: a changed migration makes another. */
const TEMPLATE = `bss_template_${hashOfMigrations()}`;
const TEMPLATE_LOCK = 0x6273_7374;
const KEY: ContextKey = { kid: 'test', secret: Buffer.alloc(32, 7) };
const PASSWORD = 'test-only';

/** `migrated: false` gives an empty database, with the law of the bootstrap and nothing else. */
export async function createTestDatabase({ migrated = true } = {}): Promise<TestDatabase> {
  const clusterUrl = process.env.BSS_TEST_ADMIN_URL;
  if (!clusterUrl) throw new Error('BSS_TEST_ADMIN_URL is not set: run through jest, whose global setup starts a cluster');
  const name = `bss_test_${randomBytes(6).toString('hex')}`;
  await withClient(clusterUrl, async (client) => {
    await client.query('select pg_advisory_lock($1)', [TEMPLATE_LOCK]);
    await ensureTemplate(client, clusterUrl);
    await client.query(`create database ${name}${migrated ? ` template ${TEMPLATE}` : ''}`);
  });
  const adminUrl = url(clusterUrl, name);
  const runtimeUrl = url(clusterUrl, name, 'bss_app_00');
  const controlUrl = url(clusterUrl, name, 'bss_migrator');
  // The ACL of a database is not cloned with it.
  await bootstrap(adminUrl, { runtimeUrl, controlUrl });
  return {
    name,
    adminUrl,
    runtimeUrl,
    controlUrl,
    contextKey: KEY,
    admin: (sql, values = []) => withClient(adminUrl, (client) => client.query(sql, [...values])),
    drop: () =>
      withClient(clusterUrl, async (client) => {
        const roles = await withClient(adminUrl, rolesOfTenants);
        await client.query(`drop database if exists ${name} with (force)`);
        if (roles.length > 0) await client.query(`drop role if exists ${roles.join(', ')}`);
      }),
  };
}

export function controlPlaneOf(database: TestDatabase): ControlPlane {
  return new ControlPlane({
    url: database.controlUrl,
    contextKeys: [database.contextKey],
    entities: [TenantRow, TenantSchemaRow, EntityVersionRow],
  });
}

/** Roles are the cluster's, not the database's. */
async function rolesOfTenants(client: pg.Client): Promise<string[]> {
  const { rows } = await client.query(`
    select rolname
    from pg_roles
    where oid in (select nspowner from pg_namespace)
      and rolname like 'own\\_%'`);
  return rows.flatMap(({ rolname }) => [`"${rolname}"`, `"${rolname.replace('own_', 'tn_')}"`]);
}

async function ensureTemplate(client: pg.Client, clusterUrl: string): Promise<void> {
  const { rowCount } = await client.query('select from pg_database where datname = $1', [TEMPLATE]);
  if (rowCount) return;
  const building = `${TEMPLATE}_building`;
  await client.query(`drop database if exists ${building} with (force)`);
  await client.query(`create database ${building}`);
  const urls = { runtimeUrl: url(clusterUrl, building, 'bss_app_00'), controlUrl: url(clusterUrl, building, 'bss_migrator') };
  await bootstrap(url(clusterUrl, building), urls);
  const controlPlane = new ControlPlane({ url: urls.controlUrl, contextKeys: [KEY], entities: [] });
  await controlPlane.open();
  await controlPlane.close();
  await client.query(`alter database ${building} rename to ${TEMPLATE}`);
}

export async function withClient<T>(connectionString: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function url(clusterUrl: string, database: string, login?: string): string {
  const target = new URL(clusterUrl);
  target.pathname = `/${database}`;
  if (login) {
    target.username = login;
    target.password = PASSWORD;
  }
  return target.href;
}

function hashOfMigrations(): string {
  const folder = join(packageRoot(), 'migrations');
  const texts = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'));
  return createHash('sha256').update(texts.join('\n')).digest('hex').slice(0, 12);
}
