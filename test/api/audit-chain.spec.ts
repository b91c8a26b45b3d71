/**
 * The chain of the trail: every event gets a number without gaps and a hash over the one before, and whatever is done to it afterwards
 * is found, at the first number that is wrong, in the database and in a bundle that somebody took away.
 */

import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BundleVerifier } from '../../src/model/audit/bundle.js';
import type { ChainReport } from '../../src/model/audit/chain-report.js';
import { SentCheckpoints } from '../../src/model/audit/sent-checkpoints.js';
import { readSigningKey } from '../../src/model/audit/signing-key.js';
import { bss } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { TAMPERINGS } from './audit-tamperings.js';

jest.setTimeout(120_000);

const NOTE = { type: 'object', properties: { title: { type: 'string' } } };
const SEED = Buffer.alloc(32, 5).toString('base64');
const keys = [readSigningKey(SEED)];

let test: TestService;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-chain-'));
  test = await startTestService({
    AUDIT_SIGNING_KEY: SEED,
    AUDIT_CHECKPOINTS: `file:${join(folder, 'checkpoints.jsonl')}`,
    AUDIT_CHECKPOINT_SECONDS: '1',
  });
});

afterAll(async () => {
  await test.stop();
  await rm(folder, { recursive: true, force: true });
});

const admin = async (sql: string, values: readonly unknown[] = []) => (await test.database.admin(sql, values)).rows;

type Report = ChainReport & { readonly ended: unknown };

async function verified(tenant: TestTenant, query = ''): Promise<Report> {
  const { body, status } = await (await tenant.as('auditor'))('get', `/audit/verify${query}`);
  expect(status).toBe(200);
  return body;
}

/** All that has been written so far is sealed, and vouched for by a checkpoint. */
async function vouched(tenant: TestTenant): Promise<void> {
  const [{ events }] = await admin('select count(*)::int as events from audit.events where tenant_id = $1', [tenant.id]);
  await eventually(async () => ((await verified(tenant)).checkpoint?.seq ?? 0) >= events);
}

/** A tenant with 12 events: that it was created, that it got an entity, and ten records. */
async function written(): Promise<TestTenant> {
  const tenant = await test.tenant();
  await tenant.define('note', NOTE);
  const call = await tenant.as();
  for (let n = 0; n < 10; n++)
    await call('post', '/records/note')
      .send({ title: `note ${n}` })
      .expect(201);
  return tenant;
}

async function bundleOf(tenant: TestTenant): Promise<string> {
  return (await (await tenant.as())('get', '/audit/export').buffer(true).expect(200)).text;
}

/** What is found without the service: with the public keys, and where `checkpoints` is given, with what was sent. */
function verifiedOffline(bundle: string, checkpoints?: string): Report {
  const sent = checkpoints === undefined ? null : new SentCheckpoints();
  for (const line of checkpoints?.trim().split('\n') ?? []) sent?.add(JSON.parse(line).checkpoint);
  sent?.check(keys);
  const verifier = new BundleVerifier(keys, sent);
  for (const line of bundle.trim().split('\n')) verifier.line(line);
  return { ...verifier.finish(), ended: null };
}

const told = ({ valid, firstBad }: ChainReport) => (valid ? 'valid' : [firstBad?.seq, firstBad?.reason]);

const victims = new Map<string, TestTenant>();
const NAMES = Object.keys(TAMPERINGS);
const NOTHING = 'everything of one tenant';
const LAST = 'the checkpoints themselves';
let untouched: TestTenant;

describe('the chain of a trail', () => {
  it('gives every event a number without gaps and a hash, which the trail tells', async () => {
    untouched = await written();
    await vouched(untouched);
    const { items } = (await (await untouched.as())('get', '/audit').expect(200)).body;
    expect(items.map(({ seq }: { seq: number }) => seq)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1]);
    for (const { hash } of items) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(await verified(untouched)).toMatchObject({
      ...{ valid: true, from: 1, events: 12, head: { seq: 12, hash: items[0].hash }, ended: null },
      ...{ checkpoint: { seq: 12 } },
    });
  });

  it('is verified from any event on, and nothing from beyond its end', async () => {
    expect(await verified(untouched, '?from=9')).toMatchObject({ valid: true, from: 9, events: 4 });
    expect(await verified(untouched, '?from=99')).toMatchObject({ valid: true, from: 13, events: 0 });
    const call = await untouched.as('auditor');
    for (const from of ['0', 'x', '1.5', '-1']) {
      expect(refusal(await call('get', `/audit/verify?from=${from}`))).toBe('422 request/invalid');
    }
  });

  it('tells how far it is to those who ask for lines, and the report last', async () => {
    const call = await untouched.as('auditor');
    const { text } = await call('get', '/audit/verify').set('accept', 'application/x-ndjson').buffer(true);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.length).toBeGreaterThan(1);
    expect(lines[0]).toEqual({ verified: 12 });
    expect(lines.at(-1)).toMatchObject({ valid: true, events: 12 });
  });

  it('is not for those who may not read the trail, and a bundle not for the auditor, who may not read every member', async () => {
    for (const role of ['viewer', 'editor', 'service'] as const) {
      expect(refusal(await (await untouched.as(role))('get', '/audit/verify'))).toBe('403 auth/forbidden');
    }
    expect(refusal(await (await untouched.as('auditor'))('get', '/audit/export'))).toBe('403 auth/forbidden');
  });

  it('has a public key that anybody may have, and the private one nobody', async () => {
    const { body } = await test.request(null, 'get', '/api/v1/audit/keys').expect(200);
    expect(body).toEqual({
      keys: [{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String), kid: expect.any(String), use: 'sig', alg: 'EdDSA' }],
    });
  });

  it('is in a bundle that the command line verifies without the service, by the public key alone', async () => {
    const file = (name: string): string => join(folder, name);
    const bundle = await bundleOf(untouched);
    await writeFile(file('trail.ndjson'), bundle);
    await writeFile(file('forged.ndjson'), bundle.replace('note 3', 'note X'));
    await writeFile(file('keys.json'), (await test.request(null, 'get', '/api/v1/audit/keys')).text);
    const run = (name: string) =>
      bss(['audit', 'verify', file(name), '--public-key', file('keys.json'), '--checkpoints', file('checkpoints.jsonl')]);
    expect(await run('trail.ndjson')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^valid: events 1 to \d+\n/),
      stderr: '',
    });
    expect(await run('forged.ndjson')).toMatchObject({ code: 1, stdout: expect.stringMatching(/^NOT VALID at 6: edited\./) });
    expect((await run('trail.ndjson')).stdout).toMatch(new RegExp(`tenant ${untouched.id}, exported at 20`));
    const lines = bundle.split('\n').filter((line) => !line.startsWith('{"type":"checkpoint"'));
    await writeFile(file('unvouched.ndjson'), lines.join('\n'));
    const alone = ['audit', 'verify', file('unvouched.ndjson'), '--public-key', file('keys.json')];
    expect(await bss(alone)).toMatchObject({ code: 1, stdout: expect.stringContaining('NOT VOUCHED FOR') });
    expect(await bss([...alone, '--unvouched'])).toMatchObject({ code: 0 });
    const { privateKey } = generateKeyPairSync('ed25519');
    await writeFile(file('other.pem'), privateKey.export({ format: 'pem', type: 'pkcs8' }));
    expect(await bss(['audit', 'verify', file('trail.ndjson'), '--public-key', file('other.pem')])).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^NOT VALID at \d+: forged-checkpoint/),
    });
    expect(await bss(['audit', 'verify', file('trail.ndjson')])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--public-key'),
    });
    const token = await test.token(['admin'], untouched.id);
    const online = ['--url', test.service.url, '--token', token];
    expect(await bss(['audit', 'verify', ...online, '--json'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"valid":true'),
    });
    expect(await bss(['audit', 'export', ...online])).toMatchObject({ code: 0, stdout: expect.stringContaining('"type":"end"') });
  });
});

describe('whoever has the database', () => {
  beforeAll(async () => {
    for (const name of [...NAMES, NOTHING, LAST]) victims.set(name, await written());
    for (const tenant of victims.values()) await vouched(tenant);
  }, 120_000);

  it.each(NAMES)('is found out when %s: in the database and in a bundle', async (name) => {
    const tenant = victims.get(name) as TestTenant;
    expect([told(await verified(tenant)), told(verifiedOffline(await bundleOf(tenant)))]).toEqual(['valid', 'valid']);
    await TAMPERINGS[name]?.tamper(admin, tenant, untouched);
    const { found } = TAMPERINGS[name] ?? {};
    const bundle = await bundleOf(tenant);
    expect([told(await verified(tenant)), told(verifiedOffline(bundle))]).toEqual([found, found]);
    expect(told(verifiedOffline(bundle, await sentSoFar()))).toEqual(found);
  });

  it('gets no signature for what was rewritten: nothing is signed until somebody has looked', async () => {
    const before = (await admin('select max(number) as n from audit.checkpoints'))[0].n;
    const tenant = await written();
    await eventually(async () => (await verified(tenant)).events === 12);
    await eventually(async () => {
      const { text } = await test.request(null, 'get', '/metrics');
      return /^audit_checkpoint_faults 1$/m.test(text);
    });
    expect((await admin('select max(number) as n from audit.checkpoints'))[0].n).toBe(before);
  });

  it('is found out when an event is written past the sealer', async () => {
    const tenant = await written();
    await eventually(async () => (await verified(tenant)).events === 12);
    await admin(
      `insert into audit.events (tenant_id, event_id, occurred_at, actor, request_id, action, body)
       values ($1, gen_random_uuid(), now() - interval '2 minutes', 'somebody', 'x', 'record.created', '{}')`,
      [tenant.id],
    );
    expect(told(await verified(tenant))).toEqual([13, 'unsealed']);
  });

  it('is found out when a tenant is left without anything, as if it had never written', async () => {
    const tenant = victims.get(NOTHING) as TestTenant;
    for (const table of ['events', 'chain', 'heads', 'proofs', 'checkpointed_heads'])
      await admin(`delete from audit.${table} where tenant_id = $1`, [tenant.id]);
    expect(told(await verified(tenant))).toEqual([0, 'missing-checkpoint']);
  });

  it('is found out when checkpoints are gone or signed by somebody else', async () => {
    const tenant = victims.get(LAST) as TestTenant;
    const last = '(select max(number) from audit.checkpoints)';
    await admin(`update audit.checkpoints set jws = overlay(jws placing 'AAAA' from length(jws) - 10) where number = ${last}`);
    expect(told(await verified(tenant))).toEqual([12, 'forged-checkpoint']);
    await admin(`delete from audit.checkpoints where number = ${last}`);
    expect(told(await verified(tenant))).toEqual([12, 'missing-checkpoint']);
  });
});

const sentSoFar = (): Promise<string> => readFile(join(folder, 'checkpoints.jsonl'), 'utf8');
