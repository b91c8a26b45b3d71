/**
 * What entering a tenant costs the database: CPU time of one backend process, read from /proc (Linux), over many repeats of
 * the same request, with and without the locks. Also counts network round trips.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Socket } from 'node:net';
import pg from 'pg';

const require = createRequire(import.meta.url);
const { RuntimePool } = require('../../dist/database/runtime-pool.js');
const { TenantTx } = require('../../dist/database/tenant-tx.js');

const REPEATS = 5000;
const TICKS_PER_SECOND = 100;

export async function backendCpu({ runtimeUrl, adminUrl, tenantId }) {
  const { home, id } = await place(adminUrl, tenantId);
  const select = {
    text: `select id, sku from "${home.schema}".product where tenant_id = $1 and id = $2`,
    values: [tenantId, id],
    name: 'bench_get',
  };
  const figures = {};

  const plain = new pg.Client({ connectionString: adminUrl });
  await plain.connect();
  const pid = (await plain.query('select pg_backend_pid() as pid')).rows[0].pid;
  figures['begin + select + commit, no isolation'] = await cpuOf(pid, async () => {
    await plain.query({ text: 'begin', name: 'b' });
    await plain.query(select);
    await plain.query({ text: 'commit', name: 'c' });
  });
  await plain.end();

  const pool = new RuntimePool({
    url: runtimeUrl,
    size: 1,
    statementTimeoutMs: 15_000,
    contextKey: { kid: 'bench', secret: Buffer.alloc(32, 3) },
    onError: () => {},
  });
  const actor = { subject: 'bench', roles: ['admin'], requestId: 'bench' };
  const enter = (options, work) => TenantTx.run(pool, home, actor, options, work);
  const [[backend]] = await enter({ readOnly: true }, (tx) => tx.last({ text: 'select pg_backend_pid()', values: [] }));
  figures['enter + select, implicit transaction (a get)'] = await cpuOf(backend, () =>
    enter({ readOnly: true }, (tx) => tx.last(select)),
  );
  figures['begin + enter + select + commit'] = await cpuOf(backend, () => enter({ readOnly: true }, (tx) => tx.query(select)));
  const roundTrips = {
    'get (enter + select)': await flushesOf(() => enter({ readOnly: true }, (tx) => tx.last(select))),
    'read, then write and commit': await flushesOf(() =>
      enter({ readOnly: false }, async (tx) => {
        await tx.query(select);
        await tx.last(select);
      }),
    ),
  };
  await pool.end();
  return { figures, roundTrips };
}

/** Writes to a socket while `work` runs alone: what was sent before an answer was waited for. */
async function flushesOf(work) {
  const original = Socket.prototype._writeGeneric;
  let flushes = 0;
  Socket.prototype._writeGeneric = function counted(...args) {
    flushes += 1;
    return original.apply(this, args);
  };
  try {
    await work();
  } finally {
    Socket.prototype._writeGeneric = original;
  }
  return flushes;
}

async function cpuOf(pid, work) {
  for (let i = 0; i < 500; i++) await work();
  const before = cpuMicros(pid);
  for (let i = 0; i < REPEATS; i++) await work();
  return (cpuMicros(pid) - before) / REPEATS;
}

/** CPU time a process has used, µs: utime + stime of /proc/<pid>/stat, which counts in 10 ms. */
export function cpuMicros(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) * (1e6 / TICKS_PER_SECOND);
}

async function place(adminUrl, tenantId) {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  const { rows } = await client.query(
    'select schema_name, role_name, owner_role_name from business_store_service.tenants where id = $1',
    [tenantId],
  );
  const home = { tenantId, schema: rows[0].schema_name, role: rows[0].role_name, ownerRole: rows[0].owner_role_name };
  const record = await client.query(`select id from "${home.schema}".product limit 1`);
  await client.end();
  return { home, id: record.rows[0].id };
}
