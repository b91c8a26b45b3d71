import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase } from '../harness/database.js';
import { ACTOR, createHomes, failureOf, noteInsert, runtimePool } from '../harness/tenants.js';

/** Work that is lent a transaction neither begins nor ends it: what lends has the first word and the last. One connection. */

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let home: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 1);
  [home] = (await createHomes(controlPlane, 1)) as [TenantHome];
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const run = <T>(work: (tx: TenantTx) => Promise<T>): Promise<T> => TenantTx.run(pool, home, ACTOR, { readOnly: false }, work);
const insert = (title: string) => noteInsert(home.tenantId, title);
const notes = async (): Promise<string[]> =>
  (await database.admin(`select title from "${home.schema}".note order by title`)).rows.map(({ title }) => title);
const nothing = async (): Promise<void> => {};

describe('a lent transaction', () => {
  it('sends no statement before what lends it has allowed so, and none when it refuses', async () => {
    const refusing = () => Promise.reject(new Error('not today'));
    const attempt = run(async (tx) => {
      const lent = tx.lend(refusing);
      const outcomes = [await failureOf(lent.query(insert('first'))), await failureOf(lent.last(insert('second')))];
      // The lender's own transaction goes on.
      await tx.last(insert('of the lender'));
      return outcomes;
    });
    expect(await attempt).toEqual(['not today', 'not today']);
    expect(await notes()).toEqual(['of the lender']);
  });

  it('does not commit with its last statement: what follows may still undo it', async () => {
    const undone = run(async (tx) => {
      await tx.lend(nothing).last(insert('undone'));
      throw new Error('changed my mind');
    });
    expect(await failureOf(undone)).toBe('changed my mind');
    expect(await notes()).toEqual(['of the lender']);
    await run(async (tx) => {
      await tx.lend(nothing).last(insert('kept'));
      await tx.last(insert('kept with it'));
    });
    expect(await notes()).toEqual(['kept', 'kept with it', 'of the lender']);
  });

  it('commits at the end when the lender says nothing more', async () => {
    await run((tx) => tx.lend(nothing).last(insert('at the end')));
    expect(await notes()).toContain('at the end');
  });

  it('is over with the transaction of its lender', async () => {
    let kept: TenantTx | undefined;
    await run(async (tx) => {
      kept = tx.lend(nothing);
      await kept.query(insert('in time'));
    });
    expect(await failureOf((kept as TenantTx).query(insert('late')))).toBe('the tenant transaction is over');
    expect(await failureOf((kept as TenantTx).last(insert('late')))).toBe('the tenant transaction is over');
    expect(await notes()).not.toContain('late');
  });
});
