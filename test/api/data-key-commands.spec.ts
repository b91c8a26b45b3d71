/** `bss data-keys`, as somebody types it, against a running service. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bss, type Ended } from '../harness/child-service.js';
import { type EncryptedTenant, encryptedTenant } from '../harness/encrypted-tenant.js';
import { startTestService, type TestService } from '../harness/service.js';

jest.setTimeout(120_000);

let test: TestService;
let scene: EncryptedTenant;
let folder: string;
let run: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'business-store-test-receipt-'));
  test = await startTestService({ AUDIT_SIGNING_KEY: Buffer.alloc(32, 5).toString('base64') });
  scene = await encryptedTenant(test);
  const token = await test.token(['admin'], scene.tenant.id);
  run = (...args) => bss(['data-keys', ...args, '--url', test.service.url, '--token', token]);
});

afterAll(async () => {
  await test.stop();
  await rm(folder, { recursive: true, force: true });
});

describe('bss data-keys', () => {
  it('says what is wrong, on stderr alone, with exit code 1', async () => {
    const purpose = await run('rotate', 'everything');
    expect([purpose.code, purpose.stdout, purpose.stderr]).toEqual([1, '', expect.stringContaining('encrypt, index, provider')]);
    const provider = await run('move', 'vault');
    expect([provider.code, provider.stderr]).toEqual([1, expect.stringContaining('/provider: is not configured')]);
    const receipt = await run('receipt');
    expect([receipt.code, receipt.stdout, receipt.stderr]).toEqual([1, '', expect.stringContaining('there is no receipt')]);
  });

  it('shows the keys, rotates them, and shows what was done', async () => {
    const before = await run('list');
    expect([before.code, before.stderr]).toEqual([0, `active: local local:${scene.tenant.id}, epoch 1\n`]);
    expect(before.stdout).toMatch(/^encrypt +1 +current /m);
    const rotated = await run('rotate', 'index');
    expect([rotated.code, rotated.stdout]).toEqual([0, expect.stringMatching(/^done: /)]);
    expect((await run('list')).stdout).toMatch(/^index +2 +current /m);
    expect((await run('jobs')).stdout).toMatch(/ done .* admin@test +rotate index$/m);
  });

  it('destroys nothing by accident: it says what it would, and the slug has to be right', async () => {
    const { slug } = scene.tenant;
    const dry = await run('shred', slug, '--dry-run');
    expect([dry.code, dry.stdout]).toEqual([0, expect.stringMatching(/^person +2 +6 +ssn, diagnosis$/m)]);
    const hasty = await run('shred', slug);
    expect([hasty.code, hasty.stdout, hasty.stderr]).toEqual([1, dry.stdout, expect.stringContaining('add --yes')]);
    const other = await run('shred', 'another', '--yes');
    expect([other.code, other.stdout, other.stderr]).toEqual([1, '', expect.stringContaining('/confirm')]);
    await (await scene.tenant.as())('get', `/records/person/${scene.ada}`).expect(200);
  });

  it('destroys them when it is told to, and verifies the receipt, with the service and without', async () => {
    const shredded = await run('shred', scene.tenant.slug, '--yes');
    expect([shredded.code, shredded.stdout]).toEqual([
      0,
      expect.stringContaining(`destroyed: the keys of tenant ${scene.tenant.id}`),
    ]);
    await (await scene.tenant.as())('get', `/records/person/${scene.ada}`).expect(410);
    const online = await run('receipt');
    expect([online.code, online.stdout]).toEqual([0, shredded.stdout]);
    const [receipt, keys] = [join(folder, 'receipt.json'), join(folder, 'keys.json')];
    const shown = (await (await scene.tenant.as())('get', '/keys')).body.receipt;
    await writeFile(receipt, JSON.stringify(shown));
    await writeFile(keys, (await test.request(null, 'get', '/api/v1/audit/keys')).text);
    const offline = await bss(['data-keys', 'receipt', receipt, '--public-key', keys]);
    expect([offline.code, offline.stdout]).toEqual([0, shredded.stdout]);
    await writeFile(
      receipt,
      JSON.stringify({ ...shown, jws: shown.jws.replace(/.$/, (last: string) => (last === 'A' ? 'Q' : 'A')) }),
    );
    const forged = await bss(['data-keys', 'receipt', receipt, '--public-key', keys]);
    expect([forged.code, forged.stdout, forged.stderr]).toEqual([1, '', expect.stringContaining('signed by none of the keys')]);
  });
});
