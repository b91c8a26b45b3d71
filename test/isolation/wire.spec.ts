import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimeConnection, RuntimePool } from '../../src/database/runtime-pool.js';
import { PreparedNames } from '../../src/database/statement-batch.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import type { Statement } from '../../src/model/sql.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { ACTOR, createHomes, failureOf, insertNote, runtimePool } from '../harness/tenants.js';
import { tapWire, type WireTap } from '../harness/wire-tap.js';

/** What the pool says to Postgres, seen from between them, and what becomes of the names it prepares. */

let database: TestDatabase;
let controlPlane: ControlPlane;
let tap: WireTap;
let pool: RuntimePool;
let home: TenantHome;
let other: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.admin(`alter role bss_app_00 in database ${database.name} set plan_cache_mode = force_generic_plan`);
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  [home, other] = (await createHomes(controlPlane, 2)) as [TenantHome, TenantHome];
  tap = await tapWire(database.runtimeUrl);
  pool = runtimePool({ ...database, runtimeUrl: tap.url }, 1);
  for (const one of [home, other]) await insertNote(pool, one, one.tenantId);
});

beforeEach(() => {
  tap.messages.length = 0;
});

afterAll(async () => {
  await pool.end();
  await tap.stop();
  await controlPlane.close();
  await database.drop();
});

const sql = (text: string, name?: string): Statement => ({ text, values: [], name });
const titles = async (): Promise<string[]> =>
  (await database.admin(`select title from "${home.schema}".note order by title`)).rows.map(({ title }) => title);

async function onConnection<T>(work: (connection: RuntimeConnection) => Promise<T>): Promise<T> {
  const connection = await pool.checkout();
  try {
    return await work(connection);
  } finally {
    connection.release();
  }
}

describe('a string of several statements', () => {
  it.each([
    ['as the only statement', (tx: TenantTx) => tx.last(sql('delete from note; commit'))],
    ['inside a transaction', (tx: TenantTx) => tx.query(sql('select 1')).then(() => tx.query(sql('delete from note; commit')))],
    ['as a named statement', (tx: TenantTx) => tx.last(sql('delete from note; commit', 'several'))],
    ['with values', (tx: TenantTx) => tx.last({ text: 'delete from note where title <> $1; commit', values: ['x'] })],
  ])('%s is refused by the server, and none of it is executed', async (_name, work) => {
    expect(await failureOf(TenantTx.run(pool, home, ACTOR, { readOnly: false }, work))).toBe('42601');
    expect(await titles()).toEqual([home.tenantId]);
  });
});

describe('on the wire', () => {
  it('the tap would show a simple query, and does for a client that sends one', async () => {
    await withClient(tap.url, (client) => client.query('select 1'));
    expect(tap.messages.map(({ type }) => type)).toContain('Q');
  });

  it('the pool never speaks the simple protocol, whatever it does', async () => {
    const fresh = runtimePool({ ...database, runtimeUrl: tap.url }, 2);
    const run = (readOnly: boolean, work: (tx: TenantTx) => Promise<unknown>) =>
      TenantTx.run(fresh, home, ACTOR, { readOnly }, work).catch(() => {});
    expect(await fresh.whyNotReady()).toBeNull();
    await run(true, (tx) => tx.last(sql('select title from note', 'titles')));
    await run(false, (tx) => tx.query(sql('select 1')).then(() => tx.query(sql('select 2'))));
    await run(false, (tx) => tx.query(sql('select 1')).then(() => tx.last(sql('select 2'))));
    await run(false, (tx) => tx.query(sql('select 1/0')));
    await run(false, (tx) => tx.query(sql('select 1')).then(() => Promise.reject(new Error('oops'))));
    await run(false, (tx) => tx.query(sql('set session role none')));
    await fresh.end();
    const spoken = tap.messages.map(({ type }) => type);
    expect(spoken.filter((type) => type === 'E').length).toBeGreaterThan(15);
    // Startup and password, then Parse, Bind, Execute, Sync, Close and Terminate.
    expect(spoken.filter((type) => !['', 'p', 'P', 'B', 'E', 'S', 'C', 'X'].includes(type))).toEqual([]);
  });

  it('a request of one statement is one round trip: enter, itself, one Sync', async () => {
    const run = () =>
      TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) => tx.last(sql('select title from note', 'titles')));
    await run();
    tap.messages.length = 0;
    await run();
    expect(tap.messages.map(({ type }) => type).join('')).toBe('BEBES');
  });
});

describe('a named statement', () => {
  it('answers with the rows of the tenant that asks, though both use the same name and plans are generic', async () => {
    const read = async (tenant: TenantHome) => {
      const rows = await TenantTx.run(pool, tenant, ACTOR, { readOnly: true }, async (tx) => {
        const first = await tx.query(sql('select title from note', 'same'));
        return [...first, ...(await tx.last(sql('select tenant_id from note', 'same too')))];
      });
      return rows.flat();
    };
    for (let round = 0; round < 10; round++) {
      for (const tenant of [home, other]) expect(await read(tenant)).toEqual([tenant.tenantId, tenant.tenantId]);
    }
    expect(tap.messages.filter(({ sql: text }) => text.includes('from note')).length).toBeLessThanOrEqual(2);
    const [plans] = await onConnection((connection) =>
      connection.send([
        sql(
          "select current_setting('plan_cache_mode'), sum(generic_plans) >= 20, sum(custom_plans) from pg_prepared_statements where name like 'same%'",
        ),
      ]),
    );
    expect(plans?.rows).toEqual([['force_generic_plan', 't', '0']]);
  });

  it('can be used again after the batch that prepared it failed', async () => {
    await onConnection(async (connection) => {
      const attempt = (...statements: Statement[]) => failureOf(connection.send(statements));
      expect(await attempt(sql('select 1/0'), sql('select 1', 'late'))).toBe('22012');
      expect(await attempt(sql('select 1', 'late'))).toBe('no error');
      expect(await attempt(sql('select 2', 'early'), sql('select 1/0'))).toBe('22012');
      expect(await attempt(sql('select 2', 'early'))).toBe('no error');
      expect(await attempt(sql('select nonsense', 'never'))).toBe('42703');
      expect(await attempt(sql('select 1', 'never'))).toBe('no error');
    });
  });

  it('gives way at the limit, also in a batch that fails', async () => {
    await onConnection(async (connection) => {
      const names = Array.from({ length: 230 }, (_, n) => sql('select 1', `n${n}`));
      await connection.send(names);
      const [held] = await connection.send([sql('select count(*) from pg_prepared_statements')]);
      expect(held?.rows).toEqual([['200']]);
      // The oldest would be closed for the new one, but the server skips that.
      expect(await failureOf(connection.send([sql('select 1/0'), sql('select 1', 'new')]))).toBe('22012');
      for (const name of names.slice(30, 40)) expect(await failureOf(connection.send([name]))).toBe('no error');
      const [after] = await connection.send([sql('select count(*) from pg_prepared_statements')]);
      expect(Number(after?.rows[0]?.[0])).toBeLessThanOrEqual(200);
    });
  });
});

describe('PreparedNames', () => {
  it('closes the least recently used name at its limit', () => {
    const names = new PreparedNames(2);
    expect(names.prepare('a')).toEqual({ parse: true, close: [] });
    expect(names.prepare('b')).toEqual({ parse: true, close: [] });
    expect(names.prepare('a')).toEqual({ parse: false, close: [] });
    expect(names.prepare('c')).toEqual({ parse: true, close: ['b'] });
    expect(names.prepare('b')).toEqual({ parse: true, close: ['a'] });
  });

  it('closes a doubtful name before it is prepared again, and shrinks back to its limit', () => {
    const names = new PreparedNames(2);
    for (const name of ['a', 'b', 'c']) names.prepare(name);
    names.doubt(['c', 'a']);
    expect(names.prepare('a')).toEqual({ parse: true, close: ['a', 'b'] });
    expect(names.prepare('a')).toEqual({ parse: false, close: [] });
    expect(names.prepare('c')).toEqual({ parse: true, close: ['c'] });
  });
});
