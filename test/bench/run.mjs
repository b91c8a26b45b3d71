/**
 * `npm run bench`: the service and a bare Fastify + pg baseline on the same Postgres, in the same run, alternating, with the
 * load generator on the same cores. Prints req/s, p50 and p99 for both and the ratio of their throughputs.
 * `--quick` shortens the rounds; `--only NAME` runs one operation; `--json FILE` also writes the figures.
 */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import autocannon from 'autocannon';
import pg from 'pg';
import { backendCpu, cpuMicros } from './backend-cpu.mjs';

const require = createRequire(import.meta.url);
const { startTestCluster } = require('../harness/cluster.cjs');
const { startDevelopmentAuthServer } = require('../../dist/access/development-auth-server.js');
const { openDevelopmentIssuer } = require('../../dist/access/development-issuer.js');
const { bootstrap } = require('../../dist/database/bootstrap.js');
const { mkdtempSync, rmSync } = require('node:fs');
const { tmpdir } = require('node:os');
const { join } = require('node:path');

const { values: options } = parseArgs({
  options: { quick: { type: 'boolean', default: false }, only: { type: 'string' }, json: { type: 'string' } },
});
const SECONDS = options.quick ? 1 : 3;
const ROUNDS = options.quick ? 1 : 3;
const POOL_SIZE = 10;
const BULK = 1000;
const SEEDED = 5000;

const MAKERS = 50;
const AIMS = { get: 0.9, list: 0.9, insert: 0.7, update: 0.7, bulk: 0.7, embed: 0.9, aggregate: 0.9, keyset: 0.9, upsert: 0.5 };

const cleanups = [];
process.on('exit', runCleanups);

const cluster = await startTestCluster();
const work = mkdtempSync(join(tmpdir(), 'business-store-bench-'));
cleanups.push(() => rmSync(work, { recursive: true, force: true }));

const database = (name, user, password) => {
  const url = new URL(cluster.adminUrl);
  url.pathname = `/${name}`;
  if (user) Object.assign(url, { username: user, password });
  return url.href;
};

await admin('postgres', 'create database bench_service', 'create database bench_baseline');
const runtimeUrl = database('bench_service', 'bss_app_00', 'bench');
const controlUrl = database('bench_service', 'bss_migrator', 'bench');
await bootstrap(database('bench_service'), { runtimeUrl, controlUrl });

const issuer = await openDevelopmentIssuer(work);
const auth = await startDevelopmentAuthServer(issuer);
const service = await launch('dist/main.js', /"url":"(http:[^"]+)"/, {
  NODE_ENV: 'test',
  PORT: '0',
  HOST: '127.0.0.1',
  DATABASE_URL: runtimeUrl,
  DATABASE_CONTROL_URL: controlUrl,
  DATABASE_POOL_SIZE: String(POOL_SIZE),
  CONTEXT_KEYS: `bench:${Buffer.alloc(32, 3).toString('base64')}`,
  AUTH_ISSUER: issuer.issuer,
  AUTH_JWKS_URL: auth.jwksUrl,
  AUDIT_SINK: 'none',
  // One tenant sends all it can.
  RATE_LIMIT_PER_SECOND: '0',
});

const system = await issuer.sign({ subject: 'bench', roles: ['system_admin'] });
const { id: tenantId } = await call('POST', '/api/v1/tenants', system, { slug: 'bench', name: 'Bench' });
const token = await issuer.sign({ subject: 'bench', tenantId, roles: ['admin'], expiresInSeconds: 86_400 });
await call('PUT', `/api/v1/tenants/${tenantId}/entities/product`, token, {
  type: 'object',
  additionalProperties: false,
  required: ['sku', 'name', 'price', 'quantity', 'active'],
  properties: {
    sku: { type: 'string', maxLength: 40 },
    name: { type: 'string', maxLength: 200 },
    price: { type: 'number', minimum: 0 },
    quantity: { type: 'integer', minimum: 0 },
    active: { type: 'boolean' },
    released: { type: 'string', format: 'date' },
  },
});

await call('PUT', `/api/v1/tenants/${tenantId}/entities/maker`, token, {
  type: 'object',
  additionalProperties: false,
  properties: { number: { type: 'integer', unique: true }, name: { type: 'string' } },
});
await call('PUT', `/api/v1/tenants/${tenantId}/entities/part`, token, {
  type: 'object',
  additionalProperties: false,
  properties: {
    number: { type: 'integer', unique: true },
    weight: { type: 'number' },
    maker: { type: 'integer', relation: { entity: 'maker', field: 'number' } },
  },
  required: ['number', 'weight'],
  indexes: [['weight']],
});

const ofTenant = 'tenant_id uuid not null, id uuid primary key';
const stamps = 'created_at timestamptz not null default now(), updated_at timestamptz not null default now()';
await admin(
  'bench_baseline',
  `create table maker (${ofTenant}, number bigint, name text, ${stamps}, unique (tenant_id, number))`,
  `create table part (${ofTenant}, number bigint not null, weight float8 not null, maker bigint, ${stamps}, unique (tenant_id, number))`,
  'create index on part (maker)',
  'create index on part (weight, id)',
  `insert into maker (tenant_id, id, number, name) select '${tenantId}', gen_random_uuid(), n, 'maker ' || n from generate_series(1, ${MAKERS}) n`,
  `insert into part (tenant_id, id, number, weight, maker)
   select '${tenantId}', gen_random_uuid(), n, n % 1000, n % ${MAKERS} + 1 from generate_series(1, ${SEEDED}) n`,
  ...['maker', 'part'].flatMap((table) => [
    `alter table ${table} enable row level security`,
    `alter table ${table} force row level security`,
    `create policy tenant on ${table} using (tenant_id = current_setting('app.current_tenant')::uuid)`,
  ]),
  `create table product (
     tenant_id uuid not null, id uuid primary key, sku text not null, name text not null, price float8 not null,
     quantity bigint not null, active boolean not null, released date,
     created_at timestamptz not null default now(), updated_at timestamptz not null default now())`,
  'alter table product enable row level security',
  'alter table product force row level security',
  "create policy tenant on product using (tenant_id = current_setting('app.current_tenant')::uuid)",
  "create role baseline login password 'bench'",
  'grant select, insert, update, delete on product, maker, part to baseline',
);
const baseline = await launch('test/bench/baseline.mjs', /PORT (\d+)/, {
  BASELINE_URL: database('bench_baseline', 'baseline', 'bench'),
  TENANT_ID: tenantId,
  POOL_SIZE: String(POOL_SIZE),
});

const product = (i) => ({
  sku: `sku-${i}`,
  name: `Product number ${i}`,
  price: 9.99 + i,
  quantity: i % 100,
  active: true,
  released: '2026-01-31',
});
const products = (count) => Array.from({ length: count }, (_, i) => product(i));
const systems = {
  baseline: { root: `http://127.0.0.1:${baseline.found}/products`, headers: {}, pid: baseline.pid, database: 'bench_baseline' },
  service: {
    pid: service.pid,
    database: 'bench_service',
    root: `${service.found}/api/v1/tenants/${tenantId}/records/product`,
    headers: { authorization: `Bearer ${token}` },
  },
};
for (const target of Object.values(systems)) {
  target.ids = [];
  for (let i = 0; i < SEEDED; i += BULK) target.ids.push(...(await post(target, products(BULK))).map((row) => row.id));
}
const recordsOf = (entity) => `/api/v1/tenants/${tenantId}/records/${entity}`;
const makers = Array.from({ length: MAKERS }, (_, i) => ({ number: i + 1, name: `maker ${i + 1}` }));
const part = (n) => ({ number: n, weight: n % 1000, maker: (n % MAKERS) + 1 });
await call('POST', recordsOf('maker'), token, makers);
await call(
  'POST',
  recordsOf('part'),
  token,
  Array.from({ length: SEEDED }, (_, i) => part(i + 1)),
);
await admin('bench_service', 'vacuum analyze');
await admin('bench_baseline', 'vacuum analyze');

const json = { 'content-type': 'application/json' };
const numbers = Array.from({ length: SEEDED }, (_, i) => i + 1);
const isService = (target) => target === systems.service;
/** The second half of the parts, by weight. */
const [halfway] = await call('GET', `${recordsOf('part')}?select=id,weight&order=weight,id&offset=${SEEDED / 2}&limit=1`, token);
const nextPage = await cursorAt(`${recordsOf('part')}?order=weight,id&limit=20`, SEEDED / 40);
const rotate = (ids, build) => {
  let next = 0;
  return (request) => {
    next = (next + 7919) % ids.length;
    return build(request, ids[next]);
  };
};
const operations = {
  get: (t) => ({
    requests: [{ method: 'GET', setupRequest: rotate(t.ids, (r, id) => ({ ...r, path: `${new URL(t.root).pathname}/${id}` })) }],
  }),
  list: (t) => ({ url: `${t.root}?limit=20&offset=40` }),
  insert: (t) => ({ method: 'POST', headers: { ...t.headers, ...json }, body: JSON.stringify(product(1)) }),
  update: (t) => ({
    requests: [
      {
        method: 'PATCH',
        headers: { ...t.headers, ...json },
        setupRequest: rotate(t.ids, (r, id) => ({
          ...r,
          path: `${new URL(t.root).pathname}/${id}`,
          body: JSON.stringify({ quantity: Math.floor(Math.random() * 1000) }),
        })),
      },
    ],
  }),
  bulk: (t) => ({ method: 'POST', headers: { ...t.headers, ...json }, body: JSON.stringify(products(BULK)) }),
  embed: (t) => ({
    url: isService(t)
      ? `${service.found}${recordsOf('maker')}?select=name,part(number,weight)&limit=20&part.limit=5`
      : `${new URL(t.root).origin}/makers?limit=20`,
  }),
  aggregate: (t) => ({
    url: isService(t)
      ? `${service.found}${recordsOf('part')}?select=maker,count(),weight.sum()`
      : `${new URL(t.root).origin}/totals`,
  }),
  keyset: (t) => ({
    url: isService(t) ? service.found + nextPage : `${new URL(t.root).origin}/parts?weight=${halfway.weight}&id=${halfway.id}`,
  }),
  upsert: (t) => {
    const url = isService(t) ? `${service.found}${recordsOf('part')}?on_conflict=number` : `${new URL(t.root).origin}/parts`;
    const headers = { ...t.headers, ...json, prefer: 'resolution=merge-duplicates' };
    const setupRequest = rotate(numbers, (r, n) => ({ ...r, body: JSON.stringify({ ...part(n), weight: Math.random() }) }));
    return { url, requests: [{ method: 'POST', headers, setupRequest }] };
  },
};

const figures = [];
console.log(`\n${ROUNDS} rounds of ${SECONDS} s each, pool of ${POOL_SIZE}, load generator on the same machine\n`);
console.log('                        req/s (p50/p99 ms)                            CPU per request, µs (Node + Postgres)');
console.log(
  'operation   conc   baseline               service                ratio   baseline        service        ratio   aim',
);
for (const [operation, build] of Object.entries(operations)) {
  if (options.only && options.only !== operation) continue;
  for (const connections of [1, 32]) {
    const sums = { baseline: [], service: [] };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [name, target] of Object.entries(systems)) sums[name].push(await measure(target, build(target), connections));
    }
    const baselineFigure = median(sums.baseline);
    const serviceFigure = median(sums.service);
    const ratio = serviceFigure.rps / baselineFigure.rps;
    figures.push({ operation, connections, baseline: baselineFigure, service: serviceFigure, ratio });
    const speed = ({ rps, p50, p99 }) => `${rps.toFixed(0).padStart(5)} (${p50.toFixed(0)}/${p99.toFixed(0)})`.padEnd(21);
    const work = ({ cpu }) => `${cpu.node.toFixed(0)} + ${cpu.postgres.toFixed(0)}`.padEnd(13);
    const workRatio = total(serviceFigure) / total(baselineFigure);
    const aim = connections === 32 ? `${AIMS[operation]}${ratio >= AIMS[operation] ? '' : '  below'}` : '';
    console.log(
      `${operation.padEnd(11)} ${String(connections).padStart(3)}    ${speed(baselineFigure)}  ${speed(serviceFigure)}  ${ratio.toFixed(2)}    ${work(baselineFigure)}   ${work(serviceFigure)}  ${workRatio.toFixed(2)}    ${aim}`,
    );
  }
}
const { figures: cpu, roundTrips } = await backendCpu({ runtimeUrl, adminUrl: database('bench_service'), tenantId });
console.log('\nBackend CPU of one request (user + system time of the Postgres process, µs):');
for (const [what, micros] of Object.entries(cpu)) console.log(`  ${what.padEnd(44)} ${micros.toFixed(0)}`);
console.log('\nNetwork round trips of one transaction:');
for (const [what, count] of Object.entries(roundTrips)) console.log(`  ${what.padEnd(44)} ${count}`);
if (options.json) writeFileSync(options.json, `${JSON.stringify({ figures, cpu, roundTrips }, null, 2)}\n`);

runCleanups();
await auth.stop();
await cluster.stop();
process.exit();

/** Follows `Link: <…>; rel="next"` so many times. */
async function cursorAt(path, pages) {
  let next = path;
  for (let page = 0; page < pages; page++) {
    const response = await fetch(new URL(next, service.found), { headers: { authorization: `Bearer ${token}` } });
    const link = /<([^>]+)>; rel="next"/.exec(response.headers.get('link') ?? '');
    if (!link) throw new Error(`page ${page} of ${path} has no next: ${response.status} ${await response.text()}`);
    next = link[1];
  }
  const { pathname, search } = new URL(next, service.found);
  return pathname + search;
}

function runCleanups() {
  for (const clean of cleanups.splice(0).reverse()) clean();
}

async function measure(target, spec, connections) {
  const before = await cpuOf(target);
  const result = await autocannon({ url: target.root, headers: target.headers, connections, duration: SECONDS, ...spec });
  const after = await cpuOf(target);
  const total = result.requests.total;
  if (result.non2xx > 0 || result.errors > 0)
    throw new Error(`${result.non2xx} refusals and ${result.errors} errors at ${target.root}`);
  // Backends that came or went meanwhile are left out: their time so far is unknown.
  const stayed = [...after.backends].filter(([pid]) => before.backends.has(pid));
  const postgres = stayed.reduce((sum, [pid, micros]) => sum + micros - before.backends.get(pid), 0);
  const cpu = { node: (after.node - before.node) / total, postgres: postgres / total };
  return { rps: total / result.duration, p50: result.latency.p50, p99: result.latency.p99, cpu };
}

/** CPU time so far, µs: of the Node process, and of the backends that serve it. Steadier than throughput on a shared machine. */
async function cpuOf({ pid, database: name }) {
  const client = new pg.Client({ connectionString: cluster.adminUrl });
  await client.connect();
  const { rows } = await client.query('select pid from pg_stat_activity where datname = $1', [name]);
  await client.end();
  return { node: cpuMicros(pid), backends: new Map(rows.map((row) => [row.pid, cpuMicros(row.pid)])) };
}

function total({ cpu }) {
  return cpu.node + cpu.postgres;
}

function median(samples) {
  return [...samples].sort((a, b) => a.rps - b.rps)[Math.floor(samples.length / 2)];
}

async function admin(name, ...statements) {
  const client = new pg.Client({ connectionString: database(name) });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

async function call(method, path, bearer, body) {
  const response = await fetch(service.found + path, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}

async function post(target, body) {
  const response = await fetch(target.root, {
    method: 'POST',
    headers: { ...target.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!response.ok) throw new Error(`seeding: ${response.status} ${await response.text()}`);
  return response.json();
}

function launch(file, ready, environment) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [file], {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    cleanups.push(() => child.kill('SIGKILL'));
    child.on('exit', (code) => reject(new Error(`${file} ended with ${code}`)));
    let output = '';
    child.stdout.on('data', (chunk) => {
      if (output === null) return;
      output += chunk;
      const found = ready.exec(output);
      if (!found) return;
      output = null;
      resolve({ found: found[1], pid: child.pid });
    });
  });
}
