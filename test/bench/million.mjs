/**
 * `npm run bench:million`: a table of 1,000,000 records changes the type of a property, requires another and indexes it, while
 * 200 reads per second go on. On the embedded server, as `npm start` starts it. Prints how long each step took against the
 * plan's estimate, and the latency of the reads before and during the change.
 * `--rows N` takes fewer; `--json FILE` also writes the figures.
 */
import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const { openDevelopmentIssuer } = require('../../dist/access/development-issuer.js');

const { values: options } = parseArgs({ options: { rows: { type: 'string', default: '1000000' }, json: { type: 'string' } } });
const ROWS = Number(options.rows);
const READS_PER_SECOND = 200;
const BULK = 10_000;

const reading = (type, required) => ({
  ...{ type: 'object', additionalProperties: false, required: ['number', ...required] },
  properties: {
    number: { type: 'integer' },
    meter: { type },
    site: { type: 'string', maxLength: 40, ...(required.length > 0 ? { index: true } : {}) },
    value: { type: 'number' },
    taken: { type: 'string', format: 'date-time' },
  },
});
const BEFORE = reading('integer', []);
const AFTER = reading('string', ['site']);

const work = mkdtempSync(join(tmpdir(), 'business-store-million-'));
// As root the server runs as another user, who has to get in.
chmodSync(work, 0o755);
const service = spawn(process.execPath, ['dist/main.js'], {
  env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: join(work, 'data'), LOG_LEVEL: 'info' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => {
  service.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
});
const root = await new Promise((resolve, reject) => {
  let text = '';
  service.stdout.on('data', (chunk) => {
    text = (text + chunk).slice(-20_000);
    const found = /"url":"(http:[^"]+)"|(http:\/\/127\.0\.0\.1:\d+)/.exec(text);
    if (found) resolve(found[1] ?? found[2]);
  });
  service.on('exit', (code) => reject(new Error(`the service ended with ${code}:\n${text}`)));
});
const issuer = await openDevelopmentIssuer(join(work, 'data'));
const sign = (claims) => issuer.sign({ subject: 'million', expiresInSeconds: 86_400, ...claims });
const { id: tenantId } = await call('POST', '/api/v1/tenants', await sign({ roles: ['system_admin'] }), { slug: 'million' });
const token = await sign({ roles: ['admin'], tenantId });
const entity = `/api/v1/tenants/${tenantId}/entities/reading`;
const records = `/api/v1/tenants/${tenantId}/records/reading`;
await call('PUT', entity, token, BEFORE);

const ids = [];
for (let from = 0; from < ROWS; from += BULK) {
  const many = Array.from({ length: Math.min(BULK, ROWS - from) }, (_, i) => ({
    ...{ number: from + i, meter: (from + i) * 7, site: `site-${(from + i) % 500}`, value: (from + i) / 8 },
    taken: '2026-11-21T06:47:53Z',
  }));
  const stored = await call('POST', records, token, many);
  ids.push(stored[0].id, stored.at(-1).id);
  process.stderr.write(`\r${from + many.length} records`);
}
process.stderr.write('\n');

const latencies = [];
const failures = new Map();
const open = new Set();
let sent = 0;
const timer = setInterval(() => {
  for (let i = 0; i < READS_PER_SECOND / 50; i++) read();
}, 20);

await wait(10_000);
const quiet = summary();
const started = performance.now();
const plan = await call('POST', `${entity}/plan`, token, AFTER);
const planMs = performance.now() - started;
const applying = performance.now();
const { change } = await call(
  'POST',
  `${entity}/apply`,
  token,
  { document: AFTER, hash: plan.hash },
  { prefer: 'respond-async' },
);
const finished = new Map();
for (let view = change && (await call('GET', change.href, token)); view && view.status !== 'done'; ) {
  if (view.status !== 'running') throw new Error(JSON.stringify(view));
  view.steps.forEach((step, index) => {
    if (step.state === 'done' && !finished.has(index)) finished.set(index, performance.now() - applying);
  });
  await wait(100);
  view = await call('GET', change.href, token);
}
const applyMs = performance.now() - applying;
const during = summary();
clearInterval(timer);
await Promise.all(open);

const [first] = await call('GET', `${records}?number=eq.3&select=meter`, token);
if (first.meter !== '21') throw new Error(`expected the text 21, got ${JSON.stringify(first)}`);
const result = { rows: ROWS, planMs, applyMs, steps: plan.steps.length, quiet, during, added: during.p99 - quiet.p99 };
if (options.json) writeFileSync(options.json, JSON.stringify(result, null, 2));
console.log(`${ROWS} records, planned in ${planMs.toFixed(0)} ms, applied in ${(applyMs / 1_000).toFixed(1)} s`);
for (const [index, { phase, estimateMs, sql }] of plan.steps.entries()) {
  const at = finished.has(index) ? `${(finished.get(index) / 1_000).toFixed(1)} s` : '';
  console.log(
    `  ${phase.padEnd(8)} estimated ${String(estimateMs).padStart(6)} ms  done at ${at.padStart(7)}  ${sql.split('\n')[0].slice(0, 90)}`,
  );
}
for (const [name, figures] of Object.entries({ quiet, during })) {
  console.log(
    `${name.padEnd(7)} ${figures.requests} reads, ${figures.failed} failed, p50 ${figures.p50.toFixed(1)} ms, p99 ${figures.p99.toFixed(1)} ms, longest ${figures.longest.toFixed(0)} ms`,
  );
}
console.log(`added to p99: ${result.added.toFixed(1)} ms (aim: at most 500)`);
if (failures.size > 0) console.log([...failures]);
service.kill('SIGTERM');
await new Promise((resolve) => service.on('exit', resolve));
process.exit(0);

/** Three of four by id, the fourth a list. */
function read() {
  const number = sent++;
  const at = performance.now();
  const path =
    number % 4 === 0 ? `${records}?limit=10&order=id&select=number,meter` : `${records}/${ids[(number * 31) % ids.length]}`;
  const done = fetchJson('GET', path, token)
    .then(({ status, text }) => {
      latencies.push(performance.now() - at);
      if (status >= 400) fail(`${status} ${text.slice(0, 300)}`);
    })
    .catch((error) => fail(String(error)))
    .finally(() => open.delete(done));
  open.add(done);
}

function fail(reason) {
  failures.set(reason, (failures.get(reason) ?? 0) + 1);
}

function summary() {
  const sorted = latencies.splice(0).sort((a, b) => a - b);
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0);
  const at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { requests: sorted.length, failed, p50: at(0.5), p99: at(0.99), longest: sorted.at(-1) ?? 0 };
}

async function call(method, path, bearer, body, more) {
  const { status, text } = await fetchJson(method, path, bearer, body, more);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text.slice(0, 2_000)}`);
  return text === '' ? undefined : JSON.parse(text);
}

async function fetchJson(method, path, bearer, body, more = {}) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json', ...more };
  const response = await fetch(root + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}
