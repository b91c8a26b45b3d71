/** The database's own lock on system administrators: without a grant in force that names the tenant, no context of theirs is entered. */

import { randomUUID } from 'node:crypto';
import type { Actor } from '../../src/database/context-token.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { problemOf } from '../../src/database/sqlstate.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { ACTOR, createHomes, noteInsert, runtimePool } from '../harness/tenants.js';

jest.setTimeout(60_000);

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;
let other: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 2);
  [home, other] = (await createHomes(controlPlane, 2)) as [TenantHome, TenantHome];
  for (const one of [home, other]) {
    await TenantTx.run(pool, one, ACTOR, { readOnly: false }, (tx) => tx.last(noteInsert(one.tenantId, 'kept')));
  }
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

/** As superuser. */
async function grant(change: Record<string, string> = {}): Promise<string> {
  const id = randomUUID();
  const row: Record<string, string> = {
    ...{ requested_by: `'ann'`, reason: `'the reason of a test'`, access: `'read'`, needs_approval: 'false' },
    ...{ expires_at: `now() + interval '1 hour'`, ...change },
  };
  await database.admin(
    `insert into business_store_service.access_grants (grant_id, ${Object.keys(row).join(', ')}) values ('${id}', ${Object.values(row).join(', ')})`,
  );
  await database.admin(`insert into business_store_service.access_grant_tenants (tenant_id, grant_id) values ($1, $2)`, [
    home.tenantId,
    id,
  ]);
  return id;
}

const admin = (grantId?: string, subject = 'ann'): Actor => ({
  ...{ subject, roles: ['system_admin'], requestId: 'crossing' },
  ...(grantId !== undefined && { grantId }),
});

const READ = { text: 'select title from note', values: [] };

/** Titles that were read, or the SQLSTATE. */
async function read(actor: Actor, place = home, readOnly = true): Promise<unknown> {
  return TenantTx.run(pool, place, actor, { readOnly }, (tx) => tx.last(READ)).then(
    (rows) => rows.map(([title]) => title),
    (error: { code?: string }) => error.code,
  );
}

const write = (actor: Actor) =>
  TenantTx.run(pool, home, actor, { readOnly: false }, (tx) => tx.last(noteInsert(home.tenantId, 'written'))).then(
    () => 'written',
    (error: { code?: string }) => error.code,
  );

describe('a context of a system administrator', () => {
  it('is not entered without a grant, nor with one that is not in force, of somebody else or for another tenant', async () => {
    expect(await read(admin(await grant()))).toEqual(['kept']);
    const bad = [
      admin(),
      admin(''),
      admin('not a uuid'),
      admin(randomUUID()),
      admin(await grant(), 'bob'),
      admin(await grant({ expires_at: `now() - interval '1 second'` })),
      admin(await grant({ revoked_at: 'now()', revoked_by: `'bob'` })),
      admin(await grant({ needs_approval: 'true' })),
    ];
    for (const actor of bad) expect([actor.grantId, await read(actor)]).toEqual([actor.grantId, '42501']);
    expect(await read(admin(await grant()), other)).toBe('42501');
    // Whatever other roles the token names beside it.
    expect(await read({ ...admin(), roles: ['admin', 'system_admin', 'viewer'] })).toBe('42501');
    expect(await read(admin(await grant({ needs_approval: 'true', approved_by: `'bob'`, approved_at: 'now()' })))).toEqual([
      'kept',
    ]);
  });

  it('is told as a refusal of the grant, and not as a fault of the service', async () => {
    const refused = TenantTx.run(pool, home, admin(), { readOnly: true }, (tx) => tx.last(READ));
    const problem = problemOf(await refused.catch((error: unknown) => error));
    expect([problem?.status, problem?.code]).toEqual([403, 'auth/grant-refused']);
  });

  it('by a grant to read is READ ONLY, whatever the service asks for', async () => {
    expect(await write(admin(await grant()))).toBe('25006');
    expect(await write(admin(await grant({ access: `'write'` })))).toBe('written');
    const both = TenantTx.run(pool, home, admin(await grant()), { readOnly: false }, async (tx) => {
      await tx.query({ text: 'select current_setting($1)', values: ['transaction_read_only'] });
      await tx.query({ text: 'set transaction read write', values: [] });
    });
    await expect(both).rejects.toThrow();
  });

  it('tells its grant to policies', async () => {
    const id = await grant();
    const caller = { text: 'select bss.caller()', values: [] };
    const [[said] = []] = await TenantTx.run(pool, home, admin(id), { readOnly: true }, (tx) => tx.last(caller));
    expect(JSON.parse(said as string)).toMatchObject({ sub: 'ann', roles: ['system_admin'], grant: id });
  });

  it('would be entered without this lock: the proof is its removal', async () => {
    const { rows } = await database.admin(`select pg_get_functiondef('bss.enter(text, boolean)'::regprocedure) as definition`);
    const original = rows[0].definition as string;
    const open = original.replace("'system_admin' = any", "'nobody' = any");
    expect(open).not.toBe(original);
    await database.admin(open);
    try {
      expect(await read(admin(), other)).toEqual(['kept']);
      expect(await write(admin(await grant()))).toBe('written');
    } finally {
      await database.admin(original);
    }
    expect(await read(admin(), other)).toBe('42501');
  });

  it('of the control plane reaches no record', async () => {
    const reading = controlPlane.inTenant(admin(), home, ({ manager }) => manager.query(`select from "${home.schema}".note`));
    await expect(reading).rejects.toThrow(/permission denied/);
  });
});

describe('the grants themselves', () => {
  it('cannot be read by a tenant, nor asked for by it', async () => {
    const asks = ['select from business_store_service.access_grants', `select bss.crossing('x', bss.tenant(), 'ann')`];
    for (const text of asks) {
      const asked = TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) => tx.last({ text, values: [] }));
      await expect(asked).rejects.toMatchObject({ code: '42501' });
    }
  });

  it('are seen in the context of a tenant only where they name it, and are made and changed in the platform’s alone', async () => {
    const id = await grant();
    const seen = (place: TenantHome) =>
      controlPlane.inTenant(ACTOR, place, ({ manager }) =>
        manager.query('select grant_id from business_store_service.access_grants where grant_id = $1', [id]),
      );
    expect([(await seen(home)).length, (await seen(other)).length]).toEqual([1, 0]);
    const changes = [
      `update business_store_service.access_grants set revoked_at = now(), revoked_by = 'x'`,
      `update business_store_service.access_grant_tenants set uses = 0`,
      `insert into business_store_service.access_grant_tenants (tenant_id, grant_id) values ('${home.tenantId}', '${randomUUID()}')`,
    ];
    for (const change of changes) {
      const changing = controlPlane.inTenant(ACTOR, home, ({ manager }) => manager.query(change));
      await expect(changing).rejects.toMatchObject({ driverError: { code: '42501' } });
    }
  });

  it('stay what they were made for: not even the control plane gives one another tenant, reason or time', async () => {
    for (const change of [
      `access = 'write'`,
      `expires_at = now() + interval '1 hour'`,
      `reason = 'another reason'`,
      `requested_by = 'x'`,
    ]) {
      const changing = controlPlane.platform(ACTOR, ({ manager }) =>
        manager.query(`update business_store_service.access_grants set ${change}`),
      );
      await expect(changing).rejects.toMatchObject({ driverError: { code: '42501' } });
    }
    const deleting = controlPlane.platform(ACTOR, ({ manager }) =>
      manager.query('delete from business_store_service.access_grants'),
    );
    await expect(deleting).rejects.toMatchObject({ driverError: { code: '42501' } });
  });
});
