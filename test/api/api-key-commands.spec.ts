/** `bss keys`, as somebody types it, against a running service. */

import supertest from 'supertest';
import { bss, type Ended } from '../harness/child-service.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

let test: TestService;
let tenant: TestTenant;
let run: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('keys-tenant');
  await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } } });
  const token = await test.token(['admin'], tenant.id);
  run = (...args) => bss(['keys', ...args, '--url', test.service.url, '--token', token]);
});

afterAll(() => test.stop());

const ask = (key: string) => supertest(test.service.url).get('/api/v1/session').set('x-api-key', key);

describe('bss keys', () => {
  it('says what is wrong, on stderr alone, with exit code 1', async () => {
    const steals = await run('create', 'thief', '--roles', 'viewer', '--scopes', 'records.steal');
    expect([steals.code, steals.stdout, steals.stderr]).toEqual([1, '', expect.stringContaining('/scopes/0: must begin with')]);
    const roles = await run('create', 'nobody', '--roles', 'emperor');
    expect([roles.code, roles.stdout, roles.stderr]).toEqual([1, '', expect.stringContaining('/roles')]);
    const unknown = await run('revoke', 'nothing');
    expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([1, '', expect.stringContaining('No such API key')]);
    const overlap = await run('rotate', 'nothing', '--overlap', 'long');
    expect([overlap.code, overlap.stderr]).toEqual([1, expect.stringContaining('must be a whole number of seconds')]);
  });

  it('makes a key and prints it alone, lists it without, gives it another secret, and ends it', async () => {
    const made = await run('create', 'nightly import', '--roles', 'service', '--scopes', 'records.create:note,records.read');
    const key = made.stdout.trim();
    const id = /API key ([0-9a-f-]{36})/.exec(made.stderr)?.[1] as string;
    expect([made.code, made.stdout.split('\n')]).toEqual([0, [key, '']]);
    expect((await ask(key)).body).toMatchObject({ roles: ['service'], apiKey: { id, name: 'nightly import' } });

    const listed = await run('list');
    expect(listed.stdout).toMatch(new RegExp(`^${id} +active .*service +records.create:note,records.read +nightly import$`, 'm'));
    expect(listed.stdout + (await run('list', '--json')).stdout).not.toContain(key.split('_')[3]);

    const rotated = await run('rotate', id, '--overlap', '0');
    expect([rotated.code, rotated.stderr]).toEqual([0, expect.stringContaining('the former one no longer holds')]);
    const other = rotated.stdout.trim();
    expect([(await ask(key)).status, (await ask(other)).status]).toEqual([401, 200]);

    const revoked = await run('revoke', id);
    expect([revoked.code, revoked.stdout]).toEqual([0, '1 key revoked\n']);
    expect((await ask(other)).status).toBe(401);
    expect((await run('list')).stdout).toMatch(new RegExp(`^${id} +revoked `, 'm'));
  });

  it('explains itself', async () => {
    const help = await bss(['keys', '--help']);
    for (const word of ['create', 'list', 'rotate', 'revoke']) expect(help.stdout).toContain(word);
    expect((await bss(['keys', 'create', '--help'])).stdout).toContain('records.create:Order');
  });
});
