/**
 * `npm run bench:fleet`: what a tenant costs as there are more of them. On the embedded server, as `npm start` starts it:
 * tenants with a pack of five entities are provisioned one after the other; at 10, 100 and 1,000 tenants one property is added
 * to all of them by a rollout, while 50 requests per second, spread over all tenants, go on. Prints how both grow.
 * `--tenants N` stops earlier; `--json FILE` also writes the figures.
 */
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';

const require = createRequire(import.meta.url);
const { openDevelopmentIssuer } = require('../../dist/access/development-issuer.js');

const { values: options } = parseArgs({ options: { tenants: { type: 'string', default: '1000' }, json: { type: 'string' } } });
const MOST = Number(options.tenants);
const MILESTONES = [10, 100, 1_000].filter((count) => count <= MOST);
if (!MILESTONES.includes(MOST)) MILESTONES.push(MOST);
const REQUESTS_PER_SECOND = 50;

const SAMPLE = { name: 'Mail server', kind: 'server', status: 'active', criticality: 'high' };

/** So many requests per second, whatever becomes of them: a read or an insert of a tenant chosen in turn. */
class Load {
  latencies = [];
  failed = 0;
  failures = new Map();
  open = new Set();

  constructor() {
    this.timer = setInterval(() => this.send(), 1_000 / REQUESTS_PER_SECOND);
  }

  send() {
    const number = sent++;
    const { id, token } = tenants[(number * 7) % tenants.length];
    const started = performance.now();
    const path = `/api/v1/tenants/${id}/records/Asset`;
    const body = { assetTag: `A-${number}`, ...SAMPLE };
    const request = number % 4 === 0 ? fetchJson('POST', path, token, body) : fetchJson('GET', `${path}?limit=10`, token);
    const done = request
      .then(({ status, text }) => {
        this.latencies.push(performance.now() - started);
        if (status >= 400) this.fail(`${status} ${text.slice(0, 200)}`);
      })
      .catch((error) => this.fail(String(error)))
      .finally(() => this.open.delete(done));
    this.open.add(done);
  }

  fail(reason) {
    this.failed++;
    this.failures.set(reason, (this.failures.get(reason) ?? 0) + 1);
  }

  async settle() {
    await wait(Math.max(3_000, (tenants.length * 1_000) / REQUESTS_PER_SECOND / 4));
  }

  summary() {
    const sorted = this.latencies.splice(0);
    const failed = this.failed;
    this.failed = 0;
    if (failed > 0) process.stderr.write(`${JSON.stringify([...this.failures])}\n`);
    return { requests: sorted.length, failed, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
  }

  async stop() {
    clearInterval(this.timer);
    await Promise.all(this.open);
  }
}

const work = mkdtempSync(join(tmpdir(), 'business-store-fleet-'));
// As root the server runs as another user, who has to get in.
chmodSync(work, 0o755);
const packs = join(work, 'packs');
for (const [index] of ['base', ...MILESTONES].entries()) writePack(index);

const service = spawn(process.execPath, ['dist/main.js'], {
  env: { PATH: process.env.PATH, PORT: '0', DATA_DIR: join(work, 'data'), PACKS_DIR: packs, LOG_LEVEL: 'info' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
process.on('exit', () => {
  service.kill('SIGKILL');
  rmSync(work, { recursive: true, force: true });
});
const root = await new Promise((resolve, reject) => {
  let text = '';
  service.stdout.on('data', (chunk) => {
    text += chunk;
    const found = /"url":"(http:[^"]+)"|(http:\/\/127\.0\.0\.1:\d+)/.exec(text);
    if (found) resolve(found[1] ?? found[2]);
  });
  service.on('exit', (code) => reject(new Error(`the service ended with ${code}:\n${text}`)));
});
const issuer = await openDevelopmentIssuer(join(work, 'data'));
const system = await issuer.sign({ subject: 'fleet', roles: ['system_admin'], expiresInSeconds: 86_400 });

const tenants = [];
let sent = 0;
const times = [];
const results = [];
for (const [index, milestone] of MILESTONES.entries()) {
  while (tenants.length < milestone) await provision(`1.${index}.0`);
  results.push(await measure(milestone, index + 1));
}
print();
if (options.json) writeFileSync(options.json, JSON.stringify(results, null, 2));
service.kill('SIGTERM');
await new Promise((resolve) => service.on('exit', resolve));
process.exit(0);

/** Version 1.n.0 of a pack of five entities has n properties more than 1.0.0. */
function writePack(n) {
  const folder = join(packs, 'fleet', `1.${n}.0`);
  mkdirSync(folder, { recursive: true });
  cpSync('schemas/packs/security/1.0.0', folder, { recursive: true });
  const manifest = JSON.parse(readFileSync(join(folder, 'pack.json'), 'utf8'));
  writeFileSync(join(folder, 'pack.json'), JSON.stringify({ ...manifest, name: 'fleet', version: `1.${n}.0` }));
  const asset = JSON.parse(readFileSync(join(folder, 'Asset.json'), 'utf8'));
  for (let i = 1; i <= n; i++) asset.properties[`added${i}`] = { type: 'string', maxLength: 100 };
  writeFileSync(join(folder, 'Asset.json'), JSON.stringify(asset));
}

async function provision(version) {
  const started = performance.now();
  const { id } = await call('POST', '/api/v1/tenants', system, { slug: `fleet-${tenants.length}`, packs: [`fleet@${version}`] });
  times.push(performance.now() - started);
  const token = await issuer.sign({ subject: 'fleet', tenantId: id, roles: ['editor'], expiresInSeconds: 86_400 });
  tenants.push({ id, token });
}

/** Every tenant gets a property, while others work. */
async function measure(milestone, version) {
  const provisioning = times.slice(-Math.min(100, milestone));
  const load = new Load();
  await load.settle();
  const quiet = load.summary();
  const started = performance.now();
  const { id } = await call('POST', '/api/v1/rollouts', system, {
    ...{ pack: 'fleet', version: `1.${version}.0`, rings: [{ all: true }] },
  });
  let rollout;
  do {
    await wait(250);
    rollout = await call('GET', `/api/v1/rollouts/${id}`, system);
  } while (rollout.status === 'running');
  const seconds = (performance.now() - started) / 1_000;
  const during = load.summary();
  await load.stop();
  if (rollout.status !== 'done') throw new Error(`the rollout ended as ${JSON.stringify(rollout)}`);
  const result = {
    tenants: milestone,
    provisioning: { p50: percentile(provisioning, 0.5), p95: percentile(provisioning, 0.95) },
    rollout: { seconds, msPerTenant: (seconds * 1_000) / milestone },
    requests: { quiet, during },
  };
  process.stderr.write(`${JSON.stringify(result)}\n`);
  return result;
}

function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

function print() {
  const rows = results.map(({ tenants: count, provisioning, rollout, requests }) => [
    String(count),
    `${provisioning.p50.toFixed(0)} / ${provisioning.p95.toFixed(0)}`,
    rollout.seconds.toFixed(1),
    rollout.msPerTenant.toFixed(0),
    `${requests.quiet.p50.toFixed(0)} / ${requests.quiet.p99.toFixed(0)}`,
    `${requests.during.p50.toFixed(0)} / ${requests.during.p99.toFixed(0)}`,
    `${requests.during.failed} of ${requests.during.requests}`,
  ]);
  const head = ['tenants', 'provision ms', 'rollout s', 'ms each', 'quiet ms', 'during ms', 'failed'];
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  for (const row of [head, ...rows]) console.log(row.map((cell, i) => cell.padStart(widths[i])).join('   '));
  const [first, last] = [results[0], results.at(-1)];
  const grows = (pick) => (pick(last) / pick(first)).toFixed(2);
  console.log(
    `\nfrom ${first.tenants} to ${last.tenants} tenants, p50 of provisioning × ${grows((r) => r.provisioning.p50)}, a tenant of a rollout × ${grows((r) => r.rollout.msPerTenant)}`,
  );
}

async function call(method, path, token, body) {
  const { status, text } = await fetchJson(method, path, token, body);
  if (status >= 300) throw new Error(`${method} ${path}: ${status} ${text}`);
  return JSON.parse(text);
}

async function fetchJson(method, path, token, body) {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const response = await fetch(root + path, { method, headers, body: body && JSON.stringify(body) });
  return { status: response.status, text: await response.text() };
}
