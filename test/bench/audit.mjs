/**
 * `npm run bench:audit`: how many events a second are sealed and verified, what the partitions of the trail cost a write, and how long its
 * newest page takes. On a throw-away cluster without fsync. `--events N` takes fewer; `--json FILE` also writes the figures.
 */
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
require('../harness/typescript-hook.cjs');
const { startTestCluster } = require('../harness/cluster.cjs');
const { values: options } = parseArgs({ options: { events: { type: 'string', default: '200000' }, json: { type: 'string' } } });
const EVENTS = Number(options.events);
const TENANTS = 50;
const WRITES = 3_000;

const cluster = await startTestCluster();
process.env.BSS_TEST_ADMIN_URL = cluster.adminUrl;
// The harness sets how long tests may take.
globalThis.jest = { setTimeout: () => {} };
const { controlPlaneOf, createTestDatabase, withClient } = require('../harness/database.ts');
const { Sealer } = require('../../src/audit/sealer.ts');
const { BundleVerifier } = require('../../src/model/audit/bundle.ts');

const database = await createTestDatabase();
const controlPlane = controlPlaneOf(database);
await controlPlane.open();
const figures = {};
const timed = async (work) => {
  const start = process.hrtime.bigint();
  await work();
  return Number(process.hrtime.bigint() - start) / 1e9;
};

const EVENT = `('00000000-0000-7000-8000-' || lpad(to_hex(n % ${TENANTS}), 12, '0'))::uuid as tenant_id,
  ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid as event_id, 'somebody@example.com' as actor, gen_random_uuid()::text as request_id,
  'record.updated' as action, 'Customer' as entity, gen_random_uuid() as record_id,
  json_build_object('before', json_build_object('name', 'Somebody ' || n, 'city', 'Wherever'), 'after', json_build_object('name', 'Somebody ' || n,
    'city', repeat('x', 150)))::text as body`;
const COLUMNS = 'tenant_id, event_id, actor, request_id, action, entity, record_id, body';

await withClient(database.adminUrl, async (client) => {
  // In one transaction, so that markers and events are of the same time, as those of a statement are.
  await client.query('begin');
  await client.query(`insert into audit.events (${COLUMNS}) select ${EVENT} from generate_series(1, ${EVENTS}) as n`);
  await client.query(
    'insert into audit.pending (tenant_id, first_event_id, last_event_id, events) select tenant_id, event_id, event_id, 1 from audit.events',
  );
  await client.query('commit');
  await client.query('vacuum analyze audit.pending');

  const sealing = await timed(() => new Sealer(controlPlane, console.error).sealAll());
  figures.sealedPerSecond = Math.round(EVENTS / sealing);

  const read = `select c.seq::int, encode(c.hash, 'hex') as hash, e.event_id as "eventId",
      to_char(e.occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as "occurredAt",
      e.actor, e.request_id as "requestId", e.action, e.entity, e.record_id as "recordId", e.body, c.tenant_id as tenant
    from audit.chain as c join audit.events as e using (tenant_id, event_id) where c.tenant_id = $1 order by c.seq`;
  const trails = [];
  for (let n = 0; n < TENANTS; n++) {
    const { rows } = await client.query(read, [`00000000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`]);
    const [{ tenant: tenantId }] = rows;
    const header = { type: 'header', format: 'business-store-audit/1', tenantId, exportedAt: new Date().toISOString() };
    const lines = rows.map(({ tenant: _, ...event }) => JSON.stringify({ type: 'event', ...event }));
    const { seq, hash } = rows.at(-1);
    trails.push([
      JSON.stringify({ ...header, after: { seq: 0, hash: '0'.repeat(64) }, endedBefore: null, keys: [] }),
      ...lines,
      JSON.stringify({ type: 'end', seq, hash }),
    ]);
  }
  const verifying = await timed(async () => {
    for (const lines of trails) {
      const verifier = new BundleVerifier([], null);
      for (const line of lines) verifier.line(line);
      if (!verifier.finish().valid) throw new Error('the chain is not what was sealed');
    }
  });
  figures.verifiedPerSecond = Math.round(EVENTS / verifying);

  const page = `select event_id, body from audit.events where tenant_id = $1 order by event_id desc limit 51`;
  const pages = await timed(async () => {
    for (let n = 0; n < 200; n++) await client.query(page, ['00000000-0000-7000-8000-000000000007']);
  });
  figures.newestPageMs = Number((pages * 5).toFixed(2));

  await client.query('create table public.plain (like audit.events including defaults)');
  await client.query('alter table public.plain add primary key (tenant_id, event_id)');
  const insert = (table, from) =>
    timed(async () => {
      for (let n = 0; n < WRITES; n++) {
        await client.query({
          name: table,
          text: `insert into ${table} (${COLUMNS}) select ${EVENT} from (select $1::int as n) as x`,
          values: [from + n],
        });
      }
    });
  const ratios = [];
  for (let turn = 0; turn < 5; turn++) {
    const plain = await insert('public.plain', 10_000_000 + turn * WRITES);
    ratios.push((await insert('audit.events', 10_000_000 + turn * WRITES)) / plain);
  }
  figures.insertOfPlain = Number(ratios.sort((a, b) => a - b)[2].toFixed(3));
});
await controlPlane.close();
await database.drop();
await cluster.stop();

console.log(`sealed            ${figures.sealedPerSecond} events/s
verified offline  ${figures.verifiedPerSecond} events/s
newest page       ${figures.newestPageMs} ms
insert            ${figures.insertOfPlain} of one into a table without partitions`);
if (options.json) writeFileSync(options.json, JSON.stringify(figures, null, 2));
process.exit(0);
