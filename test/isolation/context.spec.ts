import type pg from 'pg';
import { CONTEXT_LIFETIME_SECONDS, mintContextToken } from '../../src/database/context-token.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { ACTOR, createHomes, runtimePool } from '../harness/tenants.js';

/** Lock four, the signed context, and what happens without one. Everything runs as the pool's own login. */

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;
let other: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database);
  [home, other] = (await createHomes(controlPlane, 2)) as [TenantHome, TenantHome];
  for (const one of [home, other]) await insertNote(one, one.schema);
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

async function insertNote(into: TenantHome, title: string): Promise<void> {
  await TenantTx.run(pool, into, ACTOR, { readOnly: false }, (tx) =>
    tx.last({
      text: `insert into "${into.schema}".note (tenant_id, id, title, created_at, updated_at, created_by, updated_by, revision)
values ($1, gen_random_uuid(), $2, now(), now(), 'tester', 'tester', 1)`,
      values: [into.tenantId, title],
    }),
  );
}

const asPoolRole = <T>(work: (client: pg.Client) => Promise<T>): Promise<T> => withClient(database.runtimeUrl, work);

async function sqlstate(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'no error',
    (error: { code?: string }) => error.code ?? String(error),
  );
}

function token(
  change: Partial<{
    kid: string;
    secret: Buffer;
    tenant: TenantHome;
    schema: string;
    role: string;
    pid: number;
    exp: number | string;
  }>,
  pid: number,
): string {
  const tenant = change.tenant ?? home;
  return mintContextToken(
    { kid: change.kid ?? database.contextKey.kid, secret: change.secret ?? database.contextKey.secret },
    { tenantId: tenant.tenantId, schema: change.schema ?? tenant.schema, role: change.role ?? tenant.role, actor: ACTOR },
    change.pid ?? pid,
    (change.exp ?? Math.floor(Date.now() / 1000) + CONTEXT_LIFETIME_SECONDS) as number,
  );
}

const pidOf = async (client: pg.Client): Promise<number> => (await client.query('select pg_backend_pid() as pid')).rows[0].pid;

it('is tested as the least privileged login', async () => {
  const { rows } = await asPoolRole((client) =>
    client.query('select rolname, rolsuper, rolbypassrls, rolcreaterole, rolinherit from pg_roles where rolname = current_user'),
  );
  expect(rows).toEqual([
    { rolname: 'bss_app_00', rolsuper: false, rolbypassrls: false, rolcreaterole: false, rolinherit: false },
  ]);
});

describe('without a context', () => {
  const read = (client: pg.Client) => client.query(`select * from "${home.schema}".note`);

  it('a fresh, a committed, a rolled-back and a failed connection are all refused with 42501', async () => {
    await asPoolRole(async (client) => {
      expect(await sqlstate(read(client))).toBe('42501');
      for (const end of ['commit', 'rollback']) {
        await client.query('begin');
        await client.query('select bss.enter($1, false)', [token({}, await pidOf(client))]);
        await client.query(end);
        expect(await sqlstate(read(client))).toBe('42501');
      }
      await client.query('begin');
      await client.query('select bss.enter($1, false)', [token({}, await pidOf(client))]);
      await sqlstate(client.query('select 1/0'));
      await client.query('rollback');
      expect(await sqlstate(read(client))).toBe('42501');
    });
  });

  it('the right role without a context is an error, never an empty result', async () => {
    await asPoolRole(async (client) => {
      await client.query('begin');
      await client.query(`set local role "${home.role}"`);
      expect(await sqlstate(read(client))).toBe('42501');
    });
  });

  it('shared tables are refused too', async () => {
    await asPoolRole(async (client) => {
      for (const table of [
        'business_store_service.tenants',
        'business_store_service.tenant_schemas',
        'audit.events',
        'bss.context_keys',
      ]) {
        expect([table, await sqlstate(client.query(`select * from ${table}`))]).toEqual([table, '42501']);
      }
    });
  });
});

describe('a context token', () => {
  const cases: [string, (pid: number) => string][] = [
    ['empty', () => ''],
    ['of another key', (pid) => token({ secret: Buffer.alloc(32, 1) }, pid)],
    ['of an unknown kid', (pid) => token({ kid: 'nobody' }, pid)],
    ['that has expired', (pid) => token({ exp: 1 }, pid)],
    ['whose expiry is not a number', (pid) => token({ exp: 'tomorrow' }, pid)],
    ['of another backend', (pid) => token({ pid: pid + 1 }, pid)],
    ['with a part too few', (pid) => token({}, pid).split('\u001f').slice(0, -1).join('\u001f')],
    ['with a part too many', (pid) => `${token({}, pid)}\u001fmore`],
    ['of a megabyte', (pid) => token({}, pid) + 'x'.repeat(1_000_000)],
    ['with a changed tenant', (pid) => token({}, pid).replace(home.tenantId, other.tenantId)],
    ['with a changed role', (pid) => token({}, pid).replace(home.role, other.role)],
    ['with a flipped MAC', (pid) => token({}, pid).replace(/^./, (digit) => (digit === '0' ? '1' : '0'))],
  ];

  it.each(cases)('%s is refused with 42501 and leaves nothing entered', async (_name, make) => {
    await asPoolRole(async (client) => {
      const pid = await pidOf(client);
      expect(await sqlstate(client.query('select bss.enter($1, false)', [make(pid)]))).toBe('42501');
      const { rows } = await client.query("select current_user as role, current_setting('app.ctx', true) as ctx");
      expect(rows[0]).toEqual({ role: 'bss_app_00', ctx: null });
    });
  });

  it('of a retired key is refused', async () => {
    const key = { kid: 'old', secret: Buffer.alloc(32, 9) };
    const { hmacBlocks } = await import('../../src/database/context-token.js');
    const { inner, outer } = hmacBlocks(key.secret);
    await database.admin('insert into bss.context_keys (kid, inner_block, outer_block) values ($1, $2, $3)', [
      key.kid,
      inner,
      outer,
    ]);
    await asPoolRole(async (client) => {
      const pid = await pidOf(client);
      expect(await sqlstate(client.query('select bss.enter($1, false)', [token(key, pid)]))).toBe('no error');
      await database.admin('update bss.context_keys set retired_at = now() where kid = $1', [key.kid]);
      expect(await sqlstate(client.query('select bss.enter($1, false)', [token(key, pid)]))).toBe('42501');
    });
  });

  it('does not let the role of one tenant see with the token of another', async () => {
    await asPoolRole(async (client) => {
      await client.query('begin');
      await client.query('select bss.enter($1, false)', [
        token({ tenant: other, role: home.role, schema: home.schema }, await pidOf(client)),
      ]);
      const { rows } = await client.query(`select * from "${home.schema}".note`);
      expect(rows).toEqual([]);
    });
  });

  it('cannot be swapped once inside: the tenant role may neither enter nor verify', async () => {
    await asPoolRole(async (client) => {
      const pid = await pidOf(client);
      for (const call of ['bss.enter($1, false)', 'bss.verified($1)']) {
        await client.query('begin');
        await client.query('select bss.enter($1, false)', [token({}, pid)]);
        expect(await sqlstate(client.query(`select ${call}`, [token({ tenant: other }, pid)]))).toBe('42501');
        await client.query('rollback');
      }
    });
  });
});

describe('a context', () => {
  it('shows a tenant its own rows only, whatever is asked for', async () => {
    const rows = await TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) =>
      tx.last({ text: 'select title from note', values: [] }),
    );
    expect(rows).toEqual([[home.schema]]);
    const foreign = TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) =>
      tx.last({ text: `select title from "${other.schema}".note`, values: [] }),
    );
    expect(await sqlstate(foreign)).toBe('42501');
  });

  it('that is read only stays read only', async () => {
    const attempt = (text: string) => TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) => tx.last({ text, values: [] }));
    expect(await sqlstate(attempt("update note set title = 'changed'"))).toBe('25006');
    const reopened = TenantTx.run(pool, home, ACTOR, { readOnly: true }, async (tx) => {
      await tx.query({ text: 'select 1', values: [] });
      return tx.query({ text: 'set transaction read write', values: [] });
    });
    expect(await sqlstate(reopened)).toBe('25001');
  });

  it('cannot be changed by a SELECT: set_config is closed', async () => {
    const attempt = TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) =>
      tx.last({ text: "select set_config('app.ctx', 'x', true)", values: [] }),
    );
    expect(await sqlstate(attempt)).toBe('42501');
  });

  it('writes rows of its own tenant only', async () => {
    const attempt = TenantTx.run(pool, home, ACTOR, { readOnly: false }, (tx) =>
      tx.last({
        text: `insert into note (tenant_id, id, created_at, updated_at, created_by, updated_by, revision)
values ($1, gen_random_uuid(), now(), now(), 'x', 'x', 1)`,
        values: [other.tenantId],
      }),
    );
    expect(await sqlstate(attempt)).toBe('42501');
  });
});
