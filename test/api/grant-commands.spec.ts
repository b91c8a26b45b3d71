/** `bss grants` and `bss query`, as somebody types them, against a running service. */

import { bss, type Ended } from '../harness/child-service.js';
import { systemAdmin } from '../harness/grants.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

let test: TestService;
let tenants: TestTenant[];
let run: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  test = await startTestService();
  tenants = [await test.tenant('north'), await test.tenant('south')];
  for (const tenant of tenants) {
    await tenant.define('note', { type: 'object', properties: { title: { type: 'string' } } });
    await (await tenant.as())('post', '/records/note')
      .send({ title: `of ${tenant.slug}` })
      .expect(201);
  }
  const token = await test.issuer.sign({ subject: 'ann', roles: ['system_admin'] });
  run = (...args) => bss([...args, '--url', test.service.url, '--token', token]);
});

afterAll(() => test.stop());

const REASON = ['--reason', 'Customer reports wrong totals'];

describe('bss grants', () => {
  it('says what is wrong, on stderr alone, with exit code 1', async () => {
    const short = await run('grants', 'create', '--tenants', 'north', '--reason', 'why not');
    expect([short.code, short.stdout, short.stderr]).toEqual([1, '', expect.stringContaining('/reason')]);
    const nowhere = await run('grants', 'create', '--tenants', 'west', ...REASON);
    expect([nowhere.code, nowhere.stdout, nowhere.stderr]).toEqual([1, '', expect.stringContaining('no tenant "west"')]);
    const unknown = await run('grants', 'revoke', 'nothing');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('No such access grant')]);
  });

  it('makes a grant, prints its id alone, lists it, has it approved by another, and ends it', async () => {
    const made = await run('grants', 'create', '--tenants', 'north,south', ...REASON, '--approval', '--minutes', '5');
    const id = made.stdout.trim();
    expect([made.code, made.stdout.split('\n')]).toEqual([0, [id, '']]);
    expect(made.stderr).toBe('Access grant to read, for 2 tenants: it waits for approval.\n');
    const own = await run('grants', 'approve', id);
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('Nobody approves an access grant of their own')]);
    const bob = await systemAdmin(test, 'bob');
    await bob('post', `/api/v1/grants/${id}/approve`).expect(200);
    expect((await run('grants', 'list')).stdout).toMatch(new RegExp(`^${id} +active .* read +ann +2 +0 +Customer reports`, 'm'));
    expect((await run('grants', 'revoke', id)).stdout).toBe('1 grant revoked\n');
    expect(JSON.parse((await run('grants', 'list', '--json')).stdout)[0]).toMatchObject({ id, state: 'revoked' });
  });
});

describe('bss query', () => {
  it('writes the records of all tenants to stdout, and says on stderr which one could not be asked', async () => {
    const id = (await run('grants', 'create', '--tenants', 'north,south', ...REASON)).stdout.trim();
    const asked = await run('query', 'note', '--grant', id, '--query', 'select=title');
    expect([asked.code, asked.stderr]).toEqual([0, '2 records of 2 of 2 tenants\n']);
    const records = asked.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(records).toEqual(
      expect.arrayContaining(
        tenants.map(({ id: tenantId, slug }) => ({ type: 'record', tenantId, record: { title: `of ${slug}` } })),
      ),
    );
    const failed = await run('query', 'nothing', '--grant', id, '--tenants', 'north');
    expect([failed.code, failed.stdout]).toEqual([1, '']);
    expect(failed.stderr).toMatch(/^north: No such entity.*\n0 records of 1 of 1 tenant\nbss: 1 tenant could not be asked\n$/s);
    const refused = await run('query', 'note', '--grant', 'none');
    expect([refused.code, refused.stdout, refused.stderr]).toEqual([
      1,
      '',
      expect.stringContaining('The access grant does not let in'),
    ]);
  });
});
