import type { Actor } from '../../src/database/context-token.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import { createTable } from '../../src/model/ddl/create-table.js';
import { type Entity, KEEPS_NOTHING, type TenantHome } from '../../src/model/entity.js';
import type { Statement } from '../../src/model/sql.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { newHome, provision } from '../../src/tenants/provisioning.js';
import { TenantRow } from '../../src/tenants/tenant.row.js';
import type { TestDatabase } from './database.js';

/** Tenants with one table, `note (title text)`, for the tests of the locks; without the HTTP service around them. */

export const ACTOR: Actor = { subject: 'tester', roles: ['admin'], requestId: 'test' };

export const NOTE: Entity = {
  name: 'note',
  table: 'note',
  properties: [
    {
      name: 'title',
      column: 'title',
      type: 'text',
      required: false,
      nullable: false,
      checks: [],
      immutable: false,
      readOnly: false,
      writeOnly: false,
    },
  ],
  keepsExtras: false,
  uniqueKeys: [],
  indexes: [],
  concurrency: 'optional',
  keeps: KEEPS_NOTHING,
  document: { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false },
};

/** Registers and provisions `count` tenants, each with a `note` table. */
export async function createHomes(controlPlane: ControlPlane, count: number): Promise<TenantHome[]> {
  const homes: TenantHome[] = [];
  for (let i = 0; i < count; i++) {
    const home = newHome(uuidV7());
    await controlPlane.platform(ACTOR, async (tx) => {
      await tx.manager.insert(TenantRow, {
        id: home.tenantId,
        slug: `tenant-${home.schema.slice(2)}`,
        name: `Tenant ${i}`,
        status: 'active',
        schemaName: home.schema,
        roleName: home.role,
        ownerRoleName: home.ownerRole,
      });
      await provision(tx, home);
      await tx.asOwner(home, createTable(home, NOTE));
    });
    homes.push(home);
  }
  return homes;
}

export function runtimePool(database: TestDatabase, size = 4, statementTimeoutMs = 15_000): RuntimePool {
  return new RuntimePool({
    url: database.runtimeUrl,
    size,
    statementTimeoutMs,
    contextKey: database.contextKey,
    onError: () => {},
  });
}

/** What a test stores: one note. */
export async function insertNote(pool: RuntimePool, home: TenantHome, title: string): Promise<void> {
  await TenantTx.run(pool, home, ACTOR, { readOnly: false }, (tx) => tx.last(noteInsert(home.tenantId, title)));
}

/** Names no schema: into whatever the search path finds. */
export function noteInsert(tenantId: string, title: string): Statement {
  return {
    text: `insert into note (tenant_id, id, title, created_at, updated_at, created_by, updated_by, revision)
values ($1, gen_random_uuid(), $2, now(), now(), 'tester', 'tester', 1)`,
    values: [tenantId, title],
  };
}

/** SQLSTATE or message of the failure, or `no error`. */
export async function failureOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'no error',
    (error: Error & { code?: string }) => error.code ?? error.message,
  );
}
