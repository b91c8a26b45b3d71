import { setTimeout as wait } from 'node:timers/promises';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { problemOf } from '../../src/database/sqlstate.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import type { Statement } from '../../src/model/sql.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { ACTOR, createHomes, failureOf, insertNote, noteInsert, runtimePool } from '../harness/tenants.js';
import { tapWire } from '../harness/wire-tap.js';

/**
 * Whatever a handler does with its transaction, the next checkout is clean. One connection, so that the next checkout
 * meets what the last one left, or waits for ever.
 */

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  await database.admin(`alter role bss_app_00 in database ${database.name} set idle_in_transaction_session_timeout = '200ms'`);
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  [home] = (await createHomes(controlPlane, 1)) as [TenantHome];
});

beforeEach(() => {
  pool = runtimePool(database, 1, 300);
});

afterEach(async () => {
  await pool.end();
});

afterAll(async () => {
  await controlPlane.close();
  await database.drop();
});

const sql = (text: string): Statement => ({ text, values: [] });
const run = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => TenantTx.run(pool, home, ACTOR, { readOnly: false }, work);
const notes = async (): Promise<string[]> =>
  (await database.admin(`select title from "${home.schema}".note order by title`)).rows.map(({ title }) => title);

/** What the next one to come meets. */
async function nextCheckout(): Promise<unknown> {
  const connection = await pool.checkout();
  const status = Reflect.get(connection, 'held').client.getTransactionStatus();
  const [result] = await connection.send([
    sql(`select current_user, session_user, current_setting('role'), nullif(current_setting('app.ctx', true), ''),
                nullif(current_setting('app.current_tenant', true), ''), current_setting('search_path'),
                (select count(*) from pg_cursors where name <> '') + (select count(*) from pg_listening_channels())`),
  ]);
  connection.release();
  return [status, ...(result?.rows[0] ?? [])];
}

const CLEAN = ['I', 'bss_app_00', 'bss_app_00', 'none', null, null, 'pg_catalog, pg_temp', '0'];

it('is tested as the least privileged login', async () => {
  expect(await nextCheckout()).toEqual(CLEAN);
});

describe('the next checkout is clean after a handler that', () => {
  const insert = () => noteInsert(home.tenantId, 'half done');
  /** The outcome of the misbehaving transaction comes second. */
  const cases: [string, string, (tx: TenantTx) => Promise<unknown>][] = [
    ['throws before its first statement', 'oops', () => Promise.reject(new Error('oops'))],
    [
      'throws in the middle',
      'oops',
      async (tx) => {
        await tx.query(insert());
        throw new Error('oops');
      },
    ],
    [
      'does not await its first statement',
      'the first statement of the tenant transaction was not awaited',
      async (tx) => {
        tx.query(insert()).catch(() => {});
      },
    ],
    [
      'does not await its only statement',
      'the first statement of the tenant transaction was not awaited',
      async (tx) => {
        tx.last(insert()).catch(() => {});
      },
    ],
    [
      'starts with two statements at once',
      'await the first statement of a tenant transaction before the next',
      (tx) => Promise.all([tx.query(insert()), tx.query(insert())]),
    ],
    [
      'throws while a statement is still running',
      'oops',
      async (tx) => {
        await tx.query(insert());
        tx.query(sql('select pg_sleep(0.1)')).catch(() => {});
        throw new Error('oops');
      },
    ],
    [
      'overlooks that a statement failed',
      'the transaction was aborted before its commit',
      async (tx) => {
        await tx.query(insert());
        await tx.query(sql('select 1/0')).catch(() => {});
      },
    ],
    ['fails in its only statement', '22012', (tx) => tx.last(sql('select 1/0'))],
    ['fails in its first statement', '22012', (tx) => tx.query(sql('select 1/0'))],
    [
      'runs into the time limit of a statement',
      '57014',
      async (tx) => {
        await tx.query(insert());
        await tx.query(sql('select pg_sleep(5)'));
      },
    ],
    [
      'leaves a statement running that runs into the time limit',
      'the transaction was aborted before its commit',
      async (tx) => {
        await tx.query(insert());
        tx.query(sql('select pg_sleep(5)')).catch(() => {});
      },
    ],
    [
      'pauses for longer than a transaction may idle',
      'Client has encountered a connection error and is not queryable',
      async (tx) => {
        await tx.query(insert());
        await wait(500);
        await tx.query(insert());
      },
    ],
  ];

  it.each(cases)('%s; nothing of it was kept', async (_name, outcome, handler) => {
    expect(await failureOf(run(handler))).toBe(outcome);
    expect(await nextCheckout()).toEqual(CLEAN);
    expect(await notes()).toEqual([]);
  });

  const sessions: [string, () => string][] = [
    ['sets the role for the session', () => `set session role "${home.role}"`],
    ['resets the role', () => 'reset role'],
    ['sets the context for the session', () => "set session app.ctx = 'mine'"],
    ['sets the search path for the session', () => 'set session search_path = public'],
    ['listens', () => 'listen bss_wake_up'],
    ['holds a cursor beyond its transaction', () => 'declare held cursor with hold for select 1'],
    ['prepares a statement by hand', () => 'prepare mine as select 1'],
    ['takes back what was prepared', () => 'deallocate all'],
    ['ends its transaction by hand and begins another', () => 'commit and chain'],
  ];

  it.each(sessions)('%s', async (_name, text) => {
    await run((tx) => tx.query(sql(text())));
    expect(await nextCheckout()).toEqual(CLEAN);
  });

  it('keeps its transaction and uses it later', async () => {
    let kept: TenantTx | undefined;
    await run(async (tx) => {
      kept = tx;
      await tx.query(sql('select 1'));
    });
    expect(await failureOf((kept as TenantTx).query(insert()))).toBe('the tenant transaction is over');
    expect(await failureOf((kept as TenantTx).last(insert()))).toBe('the tenant transaction is over');
    expect(await nextCheckout()).toEqual(CLEAN);
  });
});

describe('a client that waited for longer than the server should have taken', () => {
  it('destroys the connection, stops the statement on the server and blocks nobody', async () => {
    const sleepers = () =>
      database.admin(
        `select pid from pg_stat_activity where datname = $1 and query like '%pg_sleep(60)%' and pid <> pg_backend_pid()`,
        [database.name],
      );
    const stuck = run(async (tx) => {
      await tx.query(sql('set local statement_timeout = 0'));
      await tx.query(sql('select pg_sleep(60)'));
    });
    const outcome = stuck.then(
      () => null,
      (error: unknown) => error,
    );
    await wait(200);
    expect((await sleepers()).rowCount).toBe(1);
    // Queues for the only connection while it is stuck.
    expect(await nextCheckout()).toEqual(CLEAN);
    expect(problemOf(await outcome)).toMatchObject({ code: 'database/timeout' });
    for (let tries = 0; tries < 20 && (await sleepers()).rowCount !== 0; tries++) await wait(50);
    expect((await sleepers()).rowCount).toBe(0);
  });

  it('lets whoever queues have the place, though the network has gone silent', async () => {
    const tap = await tapWire(database.runtimeUrl);
    await pool.end();
    pool = runtimePool({ ...database, runtimeUrl: tap.url }, 1, 300);
    tap.judge = ({ sql: text }) => (text === 'select 42' ? 'silence' : 'pass');
    const stuck = failureOf(run((tx) => tx.query(sql('select 42'))));
    await wait(100);
    const next = nextCheckout();
    expect(await stuck).toBe('57014');
    expect(await next).toEqual(CLEAN);
    await pool.end();
    await tap.stop();
    pool = runtimePool(database, 1);
  });

  it('gives up once for all the statements that wait together', async () => {
    const stuck = run(async (tx) => {
      await tx.query(sql('set local statement_timeout = 0'));
      await Promise.all([tx.query(sql('select pg_sleep(60)')), tx.query(sql('select pg_sleep(60)'))]);
    });
    expect(await failureOf(stuck)).toBe('57014');
    expect(await nextCheckout()).toEqual(CLEAN);
  });
});

describe('a connection', () => {
  it('that cannot be prepared for work gives its place in the pool back', async () => {
    await database.admin('revoke execute on function bss.enter(text, boolean) from bss_app_00');
    try {
      for (let n = 0; n < 3; n++) expect(await failureOf(pool.checkout())).toBe('42501');
    } finally {
      await database.admin('grant execute on function bss.enter(text, boolean) to bss_app_00');
    }
    expect(await nextCheckout()).toEqual(CLEAN);
  });

  it('that the server ended is not handed out again', async () => {
    await nextCheckout();
    await database.admin('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = $2', [
      database.name,
      'bss_app_00',
    ]);
    await wait(50);
    expect(await nextCheckout()).toEqual(CLEAN);
  });

  it('that is given back right after an error, before anybody rolled back, is not used again', async () => {
    const connection = await pool.checkout();
    expect(await failureOf(connection.send([sql('begin'), sql('select 1/0')]))).toBe('22012');
    connection.release();
    expect(await nextCheckout()).toEqual(CLEAN);
  });

  it.each([-600_000, 600_000])('enters although our clock is %i ms off', async (skew) => {
    const now = Date.now.bind(Date);
    const clock = jest.spyOn(Date, 'now').mockImplementation(() => now() + skew);
    try {
      await run((tx) => tx.query(sql('select tenant_id from note')));
    } finally {
      clock.mockRestore();
    }
  });
});

describe('a transaction whose commit fails', () => {
  beforeAll(() =>
    database.admin(`alter table "${home.schema}".note add constraint late unique (title) deferrable initially deferred`),
  );
  afterAll(() => database.admin(`alter table "${home.schema}".note drop constraint late`));

  it('rejects, however it was going to commit, and keeps nothing', async () => {
    const insert = noteInsert(home.tenantId, 'twin');
    await insertNote(pool, home, 'twin');
    expect(await failureOf(run((tx) => tx.query(insert)))).toBe('23505');
    expect(await failureOf(run((tx) => tx.last(insert)))).toBe('23505');
    const inTwoSteps = run(async (tx) => {
      await tx.query(sql('select 1'));
      return tx.last(insert);
    });
    expect(await failureOf(inTwoSteps)).toBe('23505');
    expect(await notes()).toEqual(['twin']);
    expect(await nextCheckout()).toEqual(CLEAN);
  });
});
