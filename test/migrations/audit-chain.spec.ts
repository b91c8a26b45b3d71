/** The trail of a store from before there was a chain stays as it is, and is sealed. */

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type pg from 'pg';
import { packageRoot } from '../../src/platform/package-root.js';
import { uuidV7, uuidV7Range } from '../../src/platform/uuid.js';
import { createTestDatabase, type TestDatabase, withClient } from '../harness/database.js';

jest.setTimeout(60_000);

let database: TestDatabase;

beforeAll(async () => {
  database = await createTestDatabase({ migrated: false });
});

afterAll(() => database.drop());

const FOLDER = join(packageRoot(), 'migrations');
const FILES = readdirSync(FOLDER)
  .filter((file) => /^\d{4}_.+\.sql$/.test(file) && file !== '0000_bootstrap.sql')
  .sort();

async function run(client: pg.Client, files: readonly string[]): Promise<void> {
  for (const file of files)
    await client.query(`begin; set local role bss_owner; ${readFileSync(join(FOLDER, file), 'utf8')}; commit`);
}

describe('the migration to the chain', () => {
  it('keeps all events, published or not, and has them sealed in their order', async () => {
    const tenants = [uuidV7(), uuidV7()];
    const at = FILES.indexOf('0011_audit_chain.sql');
    await withClient(database.controlUrl, (client) => run(client, FILES.slice(0, at)));
    const written: string[] = [];
    for (const [n, tenant] of tenants.entries()) {
      // Some months ago: one event a transaction, then many in one; half of them are published, and have no marker any more.
      const ids = [...Array.from({ length: 30 }, () => uuidV7()), ...uuidV7Range(50).ids];
      written.push(...ids);
      await database.admin(
        `insert into audit.events (tenant_id, event_id, occurred_at, actor, request_id, action, body)
         select $1, id, now() - least(n, 31) * interval '5 days', 'somebody', 'r', 'record.created', '{"n":1}'
         from unnest($2::uuid[]) with ordinality as e (id, n)`,
        [tenant, ids],
      );
      if (n === 0) continue;
      await database.admin(
        'insert into audit.pending (tenant_id, first_event_id, last_event_id, events) select $1, id, id, 1 from unnest($2::uuid[]) as id',
        [tenant, ids.slice(0, 30)],
      );
    }
    // More than a marker may name, of one transaction, and with the same ids as another tenant's.
    const much = [uuidV7(), uuidV7()];
    for (const tenant of much) {
      await database.admin(
        `insert into audit.events (tenant_id, event_id, occurred_at, actor, request_id, action, body)
         select $1, ('01890000-0000-7000-8000-0000' || lpad(to_hex(n), 8, '0'))::uuid, '2026-01-01', 'somebody', 'r', 'x', '{}'
         from generate_series(1, 100001) as n`,
        [tenant],
      );
    }
    const events = async () =>
      (await database.admin('select * from audit.events where tenant_id = any ($1) order by tenant_id, event_id', [tenants]))
        .rows;
    const before = await events();
    await withClient(database.controlUrl, (client) => run(client, FILES.slice(at)));
    expect((await events()).map(({ openings: _, ...event }) => event)).toEqual(before);
    while ((await database.admin('select audit.seal(100000) as markers')).rows[0].markers > 0);
    const { rows } = await database.admin(
      'select tenant_id, seq::int, event_id from audit.chain where tenant_id = any ($1) order by tenant_id, seq',
      [tenants],
    );
    const expected = tenants.flatMap((tenant_id, n) =>
      written
        .slice(n * 80, n * 80 + 80)
        .sort()
        .map((event_id, i) => ({ tenant_id, seq: i + 1, event_id })),
    );
    expect(rows).toEqual(expected);
    expect((await database.admin('select from audit.pending')).rowCount).toBe(0);
    const sealed = await database.admin('select seq::int from audit.heads where tenant_id = any ($1)', [much]);
    expect(sealed.rows).toEqual([{ seq: 100_001 }, { seq: 100_001 }]);
  });
});
