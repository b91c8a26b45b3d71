/**
 * `npm run bench:encryption`: what ten encrypted properties cost a record, against the twin of its entity in plain text: the same requests in turn,
 * one at a time, on the same service and Postgres. And what one value costs, without anything around it. `--seconds N` for each
 * operation; `--json FILE` also writes the figures.
 */
import { createSecretKey, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
require('../harness/typescript-hook.cjs');
const { startTestCluster } = require('../harness/cluster.cjs');
const { values: options } = parseArgs({ options: { seconds: { type: 'string', default: '6' }, json: { type: 'string' } } });
const SECONDS = Number(options.seconds);
const FIELDS = 10;
const SEEDED = 2_000;
const PAGE = 100;
/** What was asked for: microseconds of p50 that one encrypted field may cost, and ten of them. */
const AIM = { field: 500, record: 1_000 };

const cluster = await startTestCluster();
process.env.BSS_TEST_ADMIN_URL = cluster.adminUrl;
// The harness sets how long tests may take.
globalThis.jest = { setTimeout: () => {} };
const { Keyring } = require('../../src/model/sealed/keyring.ts');
const { createSurroundings } = require('../harness/surroundings.ts');
const { startChildService } = require('../harness/child-service.ts');

const figures = { field: measureField(), operations: {} };
console.log('one value of 11 characters, µs            p50     p99');
for (const [what, { p50, p99 }] of Object.entries(figures.field)) console.log(row(what, p50, p99));

const around = await createSurroundings();
const service = await startChildService({ ...around.environment, RATE_LIMIT_PER_SECOND: '0' });
const system = await around.token(['system_admin']);
const { id: tenantId } = await call('POST', '/api/v1/tenants', system, { slug: 'bench' });
const token = await around.token(['admin'], tenantId);
const base = `/api/v1/tenants/${tenantId}`;

const words = [{ searchable: 'equality' }, { searchable: 'equality' }, ...Array.from({ length: FIELDS - 2 }, () => true)];
for (const name of ['plain', 'sealed']) {
  const properties = words.map((word, n) => [`f${n}`, { type: 'string', ...(name === 'sealed' && { encrypted: word }) }]);
  if (name === 'plain') for (const [, schema] of properties.slice(0, 2)) schema.index = true;
  await call('PUT', `${base}/entities/${name}`, token, { type: 'object', properties: Object.fromEntries(properties) });
}
const record = (i) => Object.fromEntries(words.map((_, n) => [`f${n}`, `${100 + n}-45-${String(i).padStart(5, '0')}`]));
const ids = { plain: [], sealed: [] };
for (const name of Object.keys(ids)) {
  for (let i = 0; i < SEEDED; i += 1_000) {
    const records = Array.from({ length: 1_000 }, (_, n) => record(i + n));
    ids[name].push(...(await call('POST', `${base}/records/${name}`, token, records)).map(({ id }) => id));
  }
}

let turn = 0;
const next = () => {
  turn += 7919;
  return turn % SEEDED;
};
/** How many records of ten fields each request writes or shows, and the request. */
const operations = {
  insert: [1, (name) => ['POST', `/records/${name}`, record(next())]],
  get: [1, (name) => ['GET', `/records/${name}/${ids[name][next()]}`]],
  patch: [1, (name) => ['PATCH', `/records/${name}/${ids[name][next()]}`, { f9: `another ${turn}` }]],
  filter: [1, (name) => ['GET', `/records/${name}?limit=1&f0=eq.100-45-${String(next()).padStart(5, '0')}`]],
  list: [PAGE, (name) => ['GET', `/records/${name}?limit=${PAGE}&offset=200`]],
  'insert of 100': [PAGE, (name) => ['POST', `/records/${name}`, Array.from({ length: PAGE }, () => record(next()))]],
};
console.log(`\n${SECONDS} s each, one request at a time, in turn`);
console.log('operation          plain, µs p50/p99      sealed, µs p50/p99     ratio   µs a record   µs a field (p50)');
for (const [what, [records, request]] of Object.entries(operations)) {
  const times = { plain: [], sealed: [] };
  // Plans are prepared and code is compiled by then.
  for (let n = 0; n < 200; n++) for (const name of Object.keys(times)) await timed(request(name));
  for (const end = performance.now() + SECONDS * 1_000; performance.now() < end; ) {
    for (const name of Object.keys(times)) times[name].push(await timed(request(name)));
  }
  const [plain, sealed] = [percentiles(times.plain), percentiles(times.sealed)];
  // Of pairs that followed each other: whatever else the machine does falls on both.
  const differences = times.sealed.map((time, index) => time - times.plain[index]);
  const perRecord = percentiles(differences).p50 / records;
  figures.operations[what] = { plain, sealed, ratio: sealed.p50 / plain.p50, perRecord, perField: perRecord / FIELDS };
  const pair = ({ p50, p99 }) => `${p50.toFixed(0)} / ${p99.toFixed(0)}`.padEnd(22);
  console.log(
    `${what.padEnd(18)} ${pair(plain)} ${pair(sealed)} ${(sealed.p50 / plain.p50).toFixed(2).padEnd(7)} ${perRecord.toFixed(0).padStart(6)}        ${(perRecord / FIELDS).toFixed(1).padStart(6)}`,
  );
}
const worst = Math.max(...Object.values(figures.operations).map(({ perRecord }) => perRecord));
const isMet = worst <= AIM.record;
console.log(
  `\nten encrypted fields cost at most ${worst.toFixed(0)} µs of p50 a record (aim: ${AIM.record}; ${AIM.field} a field): ${isMet ? 'met' : 'NOT MET'}`,
);
if (options.json) writeFileSync(options.json, `${JSON.stringify(figures, null, 2)}\n`);
await service.stop();
await around.stop();
await cluster.stop();
process.exit(isMet ? 0 : 1);

function measureField() {
  const keys = new Map([[1, createSecretKey(randomBytes(32))]]);
  const ring = new Keyring(
    { tenantId: 'bench', epoch: 1, encrypt: keys, encryptVersion: 1, index: keys, indexVersion: 1, indexNext: null },
    { byId: () => null, of: () => null },
  );
  const id = '01900000-0000-7000-8000-000000000001';
  const cipherOf = (searchable) => ring.cipherOf('entity', { encrypted: { of: 'text', searchable, field: 'f@1' } });
  const [found, kept] = [cipherOf(true), cipherOf(false)];
  const cell = found.seal(id, '123-45-6789', null);
  const works = {
    seal: () => kept.seal(id, '123-45-6789', null),
    'seal, to be found': () => found.seal(id, '123-45-6789', null),
    open: () => found.open(id, cell),
    'tag of a filter': () => found.tag('123-45-6789'),
  };
  return Object.fromEntries(
    Object.entries(works).map(([what, work]) => {
      for (let n = 0; n < 20_000; n++) work();
      const times = Array.from({ length: 50_000 }, () => {
        const start = process.hrtime.bigint();
        work();
        return Number(process.hrtime.bigint() - start) / 1_000;
      });
      return [what, percentiles(times)];
    }),
  );
}

/** Microseconds of one request. */
async function timed([method, path, body]) {
  const start = process.hrtime.bigint();
  await call(method, base + path, token, body);
  return Number(process.hrtime.bigint() - start) / 1_000;
}

async function call(method, path, bearer, body) {
  const response = await fetch(service.url + path, {
    method,
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return JSON.parse(text);
}

function percentiles(times) {
  const sorted = [...times].sort((a, b) => a - b);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return { p50: at(0.5), p99: at(0.99) };
}

function row(what, p50, p99) {
  return `  ${what.padEnd(36)} ${p50.toFixed(1).padStart(6)}  ${p99.toFixed(1).padStart(6)}`;
}
