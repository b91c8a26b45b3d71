/**
 * `npm run bench:transfer`: tries an import of 1,000,000 records as a dry run, imports them as NDJSON, exports them as NDJSON and as CSV,
 * and tries the import again when every record is a duplicate, on the embedded server. Prints how long each took and the largest
 * resident set of the service process meanwhile. `--rows N` takes fewer, `--width N` makes each record that many characters longer.
 */
import { spawn } from 'node:child_process';
import { chmodSync, createReadStream, createWriteStream, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const { openDevelopmentIssuer } = require('../../dist/access/development-issuer.js');

const { values: options } = parseArgs({
  options: { rows: { type: 'string', default: '1000000' }, width: { type: 'string', default: '120' } },
});
const ROWS = Number(options.rows);
const AIM_MB = 300;

const work = mkdtempSync(join(tmpdir(), 'business-store-transfer-'));
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
const sign = (claims) => issuer.sign({ subject: 'transfer', expiresInSeconds: 86_400, ...claims });
const tenant = await call('POST', '/api/v1/tenants', await sign({ roles: ['system_admin'] }), { slug: 'transfer' });
const token = await sign({ roles: ['admin'], tenantId: tenant.id });
const at = `/api/v1/tenants/${tenant.id}`;
await call('PUT', `${at}/entities/reading`, token, {
  type: 'object',
  properties: {
    number: { type: 'integer', unique: true },
    site: { type: 'string' },
    value: { type: 'number' },
    taken: { type: 'string', format: 'date-time' },
    tags: { type: 'array', items: { type: 'string' } },
    note: { type: ['string', 'null'] },
  },
});

const file = join(work, 'readings.ndjson');
await pipeline(Readable.from(lines()), createWriteStream(file));
const idle = residentMb();
console.log(`${ROWS} records, ${megabytes(statSync(file).size)} MB as NDJSON; the idle service has ${idle} MB`);

await measured('dry run of an import', async () => {
  const summary = await stream('POST', '/imports/reading?dryRun=true', createReadStream(file), 'application/x-ndjson');
  if (summary.stored !== ROWS || summary.remembered !== ROWS) throw new Error(JSON.stringify(summary));
});
await measured('import NDJSON', async () => {
  const summary = await stream('POST', '/imports/reading', createReadStream(file), 'application/x-ndjson');
  if (summary.stored !== ROWS) throw new Error(JSON.stringify(summary));
});
const exported = join(work, 'exported.ndjson');
await measured('export NDJSON', () => save('/exports/reading?format=ndjson', exported));
await measured('export CSV', () => save('/exports/reading?format=csv', join(work, 'exported.csv')));
await measured('dry run, all stored', async () => {
  const summary = await stream('POST', '/imports/reading?dryRun=true', createReadStream(file), 'application/x-ndjson');
  if (summary.failed !== ROWS) throw new Error(JSON.stringify(summary));
});
service.kill('SIGTERM');
await new Promise((resolve) => service.on('exit', resolve));
process.exit(0);

function* lines() {
  const filler = 'x'.repeat(Number(options.width));
  for (let number = 0; number < ROWS; number++) {
    const record = {
      number,
      site: `site ${number % 500}`,
      value: number / 8,
      taken: '2026-11-21T06:47:53Z',
      tags: ['a', 'b'],
      note: filler,
    };
    yield `${JSON.stringify(number % 7 === 0 ? { ...record, note: null } : record)}\n`;
  }
}

async function measured(what, work) {
  let peak = residentMb();
  const timer = setInterval(() => {
    peak = Math.max(peak, residentMb());
  }, 50);
  const started = performance.now();
  await work();
  clearInterval(timer);
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `${what.padEnd(22)} ${seconds.padStart(6)} s   at most ${String(peak).padStart(3)} MB${peak > AIM_MB ? `   above ${AIM_MB}` : ''}`,
  );
}

function residentMb() {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${service.pid}/status`, 'utf8'))[1]) / 1024);
}

function megabytes(bytes) {
  return Math.round(bytes / 1024 / 1024);
}

async function save(path, to) {
  const response = await fetch(root + at + path, { headers: { authorization: `Bearer ${token}` } });
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(to));
}

async function stream(method, path, body, type) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': type };
  const response = await fetch(root + at + path, { method, headers, body, duplex: 'half' });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path}: ${response.status} ${text.slice(0, 2_000)}`);
  return JSON.parse(text);
}

async function call(method, path, bearer, body) {
  const headers = { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' };
  const response = await fetch(root + path, { method, headers, body: JSON.stringify(body) });
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
  return response.json();
}
