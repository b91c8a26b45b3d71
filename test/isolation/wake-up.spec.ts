import { setTimeout as wait } from 'node:timers/promises';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import { WakeUp, wakeOthers } from '../../src/database/wake-up.js';
import type { TenantHome } from '../../src/model/entity.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { ACTOR, createHomes, runtimePool } from '../harness/tenants.js';

/** Notifications carry nothing, so anybody may send one: all it causes is one look. */

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;
let wakeUp: WakeUp;
let looks: number;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 1);
  [home] = (await createHomes(controlPlane, 1)) as [TenantHome];
});

beforeEach(() => {
  looks = 0;
  wakeUp = new WakeUp(database.controlUrl, () => {});
  wakeUp.onWake((...carried: unknown[]) => {
    looks++;
    expect(carried).toEqual([]);
  });
});

afterEach(async () => {
  await wakeUp.stop();
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

async function looksBecome(expected: number, within = 2_000): Promise<void> {
  for (let waited = 0; looks < expected && waited < within; waited += 20) await wait(20);
  await wait(50);
  expect(looks).toBe(expected);
}

const listeners = () =>
  database.admin(`select pid from pg_stat_activity where datname = $1 and application_name = 'bss-wake-up'`, [database.name]);

it('a wake-up forged by a tenant causes one look and brings nothing along', async () => {
  await wakeUp.start();
  expect(looks).toBe(1);
  const forge = (text: string) => TenantTx.run(pool, home, ACTOR, { readOnly: true }, (tx) => tx.last({ text, values: [] }));
  await forge('notify bss_wake_up');
  await forge("select pg_notify('bss_wake_up', 'drop everything')");
  await looksBecome(3);
});

it('a real one comes with the commit, and not at all with a rollback', async () => {
  await wakeUp.start();
  await controlPlane.platform(ACTOR, (tx) => wakeOthers(tx));
  await looksBecome(2);
  await controlPlane
    .platform(ACTOR, async (tx) => {
      await wakeOthers(tx);
      throw new Error('oops');
    })
    .catch(() => {});
  await looksBecome(2);
});

it('a listener that lost its connection comes back and looks, once', async () => {
  await wakeUp.start();
  await database.admin(
    `select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'bss-wake-up'`,
    [database.name],
  );
  await looksBecome(2, 5_000);
  expect((await listeners()).rowCount).toBe(1);
});

it('one that is stopped while it is still connecting does not stay behind', async () => {
  const starting = wakeUp.start();
  await wakeUp.stop();
  await starting;
  for (let tries = 0; tries < 20 && (await listeners()).rowCount !== 0; tries++) await wait(25);
  expect((await listeners()).rowCount).toBe(0);
  expect(looks).toBe(0);
});
