/**
 * Sealing: whatever is committed gets a number and a hash, once, in the transaction that says so, with any number of instances, and
 * whatever happens to them.
 */

import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { Sealer } from '../../src/audit/sealer.js';
import type { ControlPlane } from '../../src/database/control-plane.js';
import type { RuntimePool } from '../../src/database/runtime-pool.js';
import { TenantTx } from '../../src/database/tenant-tx.js';
import type { TenantHome } from '../../src/model/entity.js';
import { uuidV7, uuidV7Range } from '../../src/platform/uuid.js';
import { controlPlaneOf, createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';
import { ACTOR, createHomes, failureOf, runtimePool } from '../harness/tenants.js';

jest.setTimeout(60_000);

let database: TestDatabase;
let controlPlane: ControlPlane;
let pool: RuntimePool;
let homes: TenantHome[];
let home: TenantHome;
let other: TenantHome;

beforeAll(async () => {
  database = await createTestDatabase();
  controlPlane = controlPlaneOf(database);
  await controlPlane.open();
  pool = runtimePool(database, 4);
  homes = await createHomes(controlPlane, 5);
  [home, other] = homes as [TenantHome, TenantHome];
});

afterAll(async () => {
  await pool.end();
  await controlPlane.close();
  await database.drop();
});

const fail = (error: unknown): void => {
  throw error;
};
const sealer = (): Sealer => new Sealer(controlPlane, fail);
const admin = async (sql: string, values: readonly unknown[] = []) => (await database.admin(sql, values)).rows;
const inTenant = (text: string, values: readonly unknown[] = [], of = home) =>
  TenantTx.run(pool, of, ACTOR, { readOnly: false }, (tx) => tx.last({ text, values: values as string[] }));

const EVENTS = `insert into audit.events (tenant_id, event_id, actor, request_id, action, body)
select $1, id, $2, 'test', 'record.created', '{}'
from unnest($3::uuid[]) as id`;
const MARKER = 'insert into audit.pending (tenant_id, first_event_id, last_event_id, events)';

/** As the writing statements do: events and their marker in one statement. */
function write(of: TenantHome, ids: readonly string[]): Promise<unknown> {
  const statement = `with written as (${EVENTS}) ${MARKER} values ($1, $4, $5, $6)`;
  const [first, last] = [ids[0], ids.at(-1)];
  return inTenant(statement, [of.tenantId, ACTOR.subject, `{${ids.join()}}`, first, last, String(ids.length)], of);
}

const numbers = async (of: TenantHome): Promise<number[]> =>
  (await admin('select seq from audit.chain where tenant_id = $1 order by seq', [of.tenantId])).map(({ seq }) => Number(seq));

/** Nothing is lost, left, twice or out of number, in all trails. */
async function expectWhole(): Promise<void> {
  const [found] = await admin(`
    select (select count(*) from audit.pending)::int as pending,
      (select count(*) from audit.events as e where not exists (
        select from audit.chain as c where c.tenant_id = e.tenant_id and c.event_id = e.event_id))::int as unsealed,
      (select count(*) - count(distinct (tenant_id, event_id)) from audit.chain)::int as twice,
      (select count(*) from (select seq - row_number() over (partition by tenant_id order by seq) as gap from audit.chain) as n where gap <> 0)::int as gaps,
      (select count(*) from audit.heads as h where not exists (
        select from audit.chain as c where c.tenant_id = h.tenant_id and c.seq = h.seq and c.hash = h.hash and not exists (
          select from audit.chain as d where d.tenant_id = c.tenant_id and d.seq > c.seq)))::int as astray,
      (select count(*) = (select events from audit.sealing) from audit.chain) as counted`);
  expect(found).toEqual({ pending: 0, unsealed: 0, twice: 0, gaps: 0, astray: 0, counted: true });
}

describe('sealing', () => {
  it('numbers events in the order of their ids, each tenant its own, and says nothing of those that are not committed', async () => {
    await sealer().sealAll();
    const before = (await numbers(home)).length;
    await write(home, uuidV7Range(20).ids);
    await write(other, uuidV7Range(3).ids);
    const failed = TenantTx.run(pool, home, ACTOR, { readOnly: false }, async (tx) => {
      await tx.query({ text: `${EVENTS}`, values: [home.tenantId, ACTOR.subject, `{${uuidV7()}}`] });
      throw new Error('not committed');
    });
    await expect(failed).rejects.toThrow('not committed');
    await sealer().sealAll();
    expect(await numbers(home)).toEqual(Array.from({ length: before + 20 }, (_, n) => n + 1));
    const rows = await admin('select event_id from audit.chain where tenant_id = $1 order by seq', [home.tenantId]);
    expect(rows.map(({ event_id }) => event_id)).toEqual(rows.map(({ event_id }) => event_id).sort());
    await expectWhole();
  });

  it('gives a later number to an event that has a lower id and is committed late', async () => {
    const client = new pg.Client({ connectionString: database.adminUrl });
    await client.connect();
    const late = uuidV7();
    await client.query('begin');
    await client.query(`${EVENTS.replace('$2', "'late'").replace('$3', '$2')}`, [home.tenantId, [late]]);
    await client.query(`${MARKER} values ($1, $2, $2, 1)`, [home.tenantId, late]);
    await wait(5);
    const early = uuidV7Range(2).ids;
    await write(home, early);
    await sealer().sealAll();
    await client.query('commit');
    await client.end();
    await sealer().sealAll();
    const rows = await admin(
      'select event_id, occurred_at, sealed_at from audit.chain where tenant_id = $1 order by seq desc limit 3',
      [home.tenantId],
    );
    expect(rows.map(({ event_id }) => event_id)).toEqual([late, early[1], early[0]]);
    expect(late < (early[0] as string)).toBe(true);
    expect(rows.every(({ occurred_at, sealed_at }) => occurred_at <= sealed_at)).toBe(true);
    await expectWhole();
  });

  it('takes nothing from a marker that lies: neither what is sealed, nor what is of others', async () => {
    const mine = uuidV7Range(4).ids as [string, string, string, string];
    const theirs = uuidV7Range(4).ids as [string, string, string, string];
    await write(home, mine);
    await write(other, theirs);
    await sealer().sealAll();
    const count = (await numbers(home)).length;
    const lie = (first: string, last: string, events: number) =>
      inTenant(`${MARKER} values ($1, $2, $3, $4)`, [home.tenantId, first, last, String(events)]);
    await lie(mine[0], mine[3], 4);
    await lie(mine[1], mine[3], 100_000);
    await lie(theirs[0], theirs[3], 4);
    await sealer().sealAll();
    expect((await numbers(home)).length).toBe(count);
    await expectWhole();
  });

  it('refuses a marker over more than one statement could write, or of another time or tenant', async () => {
    const [first, last] = ['00000000-0000-7000-8000-000000000000', 'ffffffff-ffff-7fff-bfff-ffffffffffff'];
    const insert = (text: string, values: readonly unknown[]) => failureOf(inTenant(text, values));
    expect(await insert(`${MARKER} values ($1, $2, $3, 1)`, [home.tenantId, first, last])).toBe('23514');
    expect(await insert(`${MARKER} values ($1, $2, $2, 1)`, [other.tenantId, uuidV7()])).toBe('42501');
    const dated = MARKER.replace('events)', 'events, occurred_at)');
    expect(await insert(`${dated} values ($1, $2, $2, 1, now() - interval '1 year')`, [home.tenantId, uuidV7()])).toBe('42501');
  });

  it('is nobody else’s: a tenant reads its own numbers, and changes and seals nothing', async () => {
    for (const table of ['chain', 'heads', 'proofs']) {
      expect(await inTenant(`select tenant_id from audit.${table} where tenant_id <> $1`, [home.tenantId])).toEqual([]);
      for (const sql of [`delete from audit.${table}`, `update audit.${table} set seq = 1`]) {
        expect([sql, await failureOf(inTenant(sql))]).toEqual([sql, '42501']);
      }
    }
    expect((await inTenant('select seq from audit.chain')).length).toBe((await numbers(home)).length);
    for (const sql of [
      ...['select audit.seal(1)', 'select audit.make_partitions(1)', 'select audit.drop_outlived(now())'],
      ...[
        'select audit.sealed(gen_random_uuid(), 0, 1)',
        'select * from audit.checkpoints',
        'select * from audit.checkpointed_heads',
      ],
      ...['select * from audit.sealing', 'select * from audit.pending', 'truncate audit.chain'],
      ...['select * from audit.events_default', 'select * from audit.chain_default', 'select * from audit.proofs_default'],
    ]) {
      expect([sql, await failureOf(inTenant(sql))]).toEqual([sql, '42501']);
    }
  });

  it('loses and repeats nothing with several sealers at once whose connections are cut all the time', async () => {
    const errors: unknown[] = [];
    const planes = [controlPlaneOf(database), controlPlaneOf(database), controlPlaneOf(database)];
    for (const plane of planes) await plane.connect();
    const sealers = planes.map((plane) => new Sealer(plane, (error) => errors.push(error)));
    for (const each of sealers) each.start();
    let isWriting = true;
    const cutting = withClient(database.adminUrl, async (client) => {
      while (isWriting) {
        await wait(15);
        await client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
           where datname = current_database() and query ~ 'audit.seal\\(' and state <> 'idle' and pid <> pg_backend_pid()`,
        );
      }
    });
    for (let n = 0; n < 60; n++) await Promise.all(homes.map((of) => write(of, uuidV7Range(1 + (n % 7) * 10).ids)));
    isWriting = false;
    await cutting;
    await Promise.all(sealers.map((each) => each.stop()));
    await sealer().sealAll();
    expect(errors.length).toBeGreaterThan(0);
    await expectWhole();
    for (const plane of planes) await plane.close();
  });

  it('waits for nobody: while one has the turn, another says so and goes on with other things', async () => {
    await write(home, uuidV7Range(1).ids);
    await withClient(database.adminUrl, async (client) => {
      await client.query('begin');
      await client.query('select from audit.sealing for update');
      expect(await sealer().seal()).toBe(0);
      await client.query('rollback');
    });
    expect(await sealer().seal()).toBe(1);
    await expectWhole();
  });

  it('goes on with smaller pieces when a batch, or a single marker, took too long', async () => {
    await write(home, uuidV7Range(50).ids);
    await write(other, uuidV7Range(1).ids);
    await admin('alter function audit.seal(integer) rename to really_seal');
    await admin(`
      create function audit.seal(most integer) returns integer language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
      declare
        before constant bigint := (select events from audit.sealing);
        markers constant integer := audit.really_seal(most);
      begin
        if (select events from audit.sealing) > before + 4 then
          raise exception 'too long' using errcode = '57014';
        end if;
        return markers;
      end
      $$`);
    await admin('alter function audit.seal(integer) owner to bss_owner');
    await admin('grant execute on function audit.seal(integer) to bss_control');
    const errors: unknown[] = [];
    const patient = new Sealer(controlPlane, (error) => errors.push(error), 1);
    patient.start();
    for (let n = 0; n < 1_000 && (await admin('select from audit.pending')).length > 0; n++) await wait(20);
    await patient.stop();
    await admin('drop function audit.seal(integer)');
    await admin('alter function audit.really_seal(integer) rename to seal');
    expect(errors.length).toBeGreaterThan(5);
    await expectWhole();
  });

  it('takes no more events and bytes of a marker at once than it may, and the rest of it later', async () => {
    const before = (await numbers(home)).length;
    await write(home, uuidV7Range(50).ids);
    await admin('select audit.seal(20)');
    expect((await numbers(home)).length).toBe(before + 20);
    for (let n = 0; n < 2; n++) await admin('select audit.seal(20)');
    expect((await numbers(home)).length).toBe(before + 50);
    await expectWhole();
    await write(home, uuidV7Range(10).ids);
    await admin(`update audit.events set body = repeat('x', 50000) where event_id not in (select event_id from audit.chain)`);
    await admin('select audit.seal(20)');
    expect((await numbers(home)).length).toBe(before + 52);
    await sealer().sealAll();
    await expectWhole();
  });

  it('gives each tenant its share: markers of one that claim much, and hold nothing, keep nobody waiting', async () => {
    for (let n = 0; n < 40; n++) {
      const { first, last } = uuidV7Range(2);
      await inTenant(`${MARKER} values ($1, $2, $3, 100000)`, [home.tenantId, first, last]);
    }
    await write(home, uuidV7Range(30).ids);
    const rest = homes.slice(1);
    const before = await Promise.all(rest.map(numbers));
    for (const of of rest) await write(of, uuidV7Range(1).ids);
    await admin(`update audit.sealing set turn_of = '00000000-0000-0000-0000-000000000000'`);
    await admin('select audit.seal(20)');
    expect((await Promise.all(rest.map(numbers))).map(({ length }) => length)).toEqual(before.map(({ length }) => length + 1));
    // Its own are not held up by every single one either.
    expect((await admin('select from audit.pending')).length).toBeLessThanOrEqual(25);
    await sealer().sealAll();
    await expectWhole();
    // With fewer places than tenants, the next ones are given to those behind.
    for (const of of homes) await write(of, uuidV7Range(10).ids);
    const counts = async () => (await Promise.all(homes.map(numbers))).map(({ length }) => length);
    const whole = await counts();
    for (const _ of homes) await admin('select audit.seal(1)');
    expect(await counts()).toEqual(whole.map((count) => count + 1));
    await sealer().sealAll();
    await expectWhole();
  });

  it('tells what is sealed to the platform, and in the context of a tenant its own alone', async () => {
    const told = { text: 'select seq from audit.sealed($1, 0, 1)', values: [home.tenantId] };
    expect(await controlPlane.platform(ACTOR, (tx) => tx.run(told))).toHaveLength(1);
    expect(await controlPlane.inTenant(ACTOR, home, (tx) => tx.run(told))).toHaveLength(1);
    expect(await controlPlane.inTenant(ACTOR, other, (tx) => tx.run(told))).toHaveLength(0);
  });
});

describe('a partition of the trail', () => {
  it('is closed to everybody: row-level security without a policy, and no grant', async () => {
    const partitions = await admin(`
      select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as forced,
        exists (select from aclexplode(c.relacl) where grantee <> c.relowner)
          or exists (select from pg_attribute where attrelid = c.oid and attacl is not null) as granted,
        (select count(*) from pg_policy where polrelid = c.oid)::int as policies
      from pg_inherits
      join pg_class as c on c.oid = inhrelid
      where c.relnamespace = 'audit'::regnamespace and c.relkind = 'r'`);
    expect(partitions.length).toBeGreaterThan(9);
    for (const { name, ...rest } of partitions)
      expect([name, rest]).toEqual([name, { forced: true, granted: false, policies: 0 }]);
  });
});
