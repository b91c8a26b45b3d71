/** `bss roles`, as somebody types it, against a running service. */

import { bss, type Ended } from '../harness/child-service.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(180_000);

let test: TestService;
let tenant: TestTenant;
let run: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('roles-tenant');
  await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } } });
  const token = await test.token(['admin'], tenant.id);
  run = (...args) => bss(['roles', ...args, '--url', test.service.url, '--token', token]);
});

afterAll(() => test.stop());

describe('bss roles', () => {
  it('says what is wrong, on stderr alone, with exit code 1', async () => {
    const steals = await run('set', 'thief', '--permissions', 'records.read,records.steal');
    expect([steals.code, steals.stdout, steals.stderr]).toEqual([
      1,
      '',
      expect.stringContaining('/permissions/1: must begin with'),
    ]);
    const builtIn = await run('set', 'admin', '--inherits', 'viewer');
    expect([builtIn.code, builtIn.stdout, builtIn.stderr]).toEqual([1, '', expect.stringContaining('/role: takes 1-63')]);
    const unknown = await run('delete', 'nobody');
    expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([1, '', expect.stringContaining('made no such role')]);
  });

  it('makes a role, lists it, replaces and deletes it', async () => {
    const permissions = 'records.create:note, audit.read';
    const made = await run('set', 'clerk', '--inherits', 'viewer', '--permissions', permissions, '--description', 'At the desk');
    expect([made.code, made.stdout]).toEqual([0, 'role clerk made\n']);
    expect((await run('list')).stdout).toMatch(/^clerk +viewer +records\.create:note,audit\.read +At the desk$/m);
    expect((await run('set', 'clerk', '--permissions', 'records.read')).stdout).toBe('role clerk replaced\n');
    expect(JSON.parse((await run('list', '--json')).stdout)).toMatchObject([
      { name: 'clerk', inherits: [], permissions: ['records.read'], description: '' },
    ]);
    expect((await run('delete', 'clerk')).stdout).toBe('1 role deleted\n');
    expect((await run('list', '--json')).stdout).toBe('[]\n');
  });

  it('lists every operation and who may perform it, without a service', async () => {
    const { code, stdout } = await bss(['roles', 'operations']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^records\.read +viewer, editor, admin, auditor, service +all entities or one +all entities or one +to read$/m,
    );
    expect(stdout).toMatch(/^roles\.manage +admin +no +no +no$/m);
  });
});
