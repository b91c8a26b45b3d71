/** `bss pack` and `bss rollout`, as somebody types them, against a running service. */

import { bss, type Ended } from '../harness/child-service.js';
import { closed, type OwnPacks, ownPacks } from '../harness/packs.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

const THING = { code: { type: 'string', unique: true } };

let packs: OwnPacks;
let test: TestService;
let token: string;
let run: (...args: string[]) => Promise<Ended>;

beforeAll(async () => {
  packs = ownPacks();
  packs.write('probe', '1.0.0', { Thing: closed(THING) });
  packs.write('probe', '1.1.0', { Thing: closed({ ...THING, color: { type: 'string' } }) });
  test = await startTestService({ PACKS_DIR: packs.folder });
  token = await test.token(['system_admin']);
  run = (...args) => bss([...args, '--url', test.service.url, '--token', token]);
});

afterAll(async () => {
  await test?.stop();
  packs?.remove();
});

async function packed(slug: string): Promise<string> {
  const { body } = await test
    .request(token, 'post', '/api/v1/tenants')
    .send({ slug, packs: ['probe@1.0.0'] })
    .expect(201);
  return body.id;
}

/** Its own property of the name that 1.1.0 brings. */
async function stand(id: string): Promise<void> {
  const admin = await test.token(['admin'], id);
  const document = closed({ ...THING, color: { type: 'integer' } });
  await test.request(admin, 'put', `/api/v1/tenants/${id}/entities/Thing`).send(document).expect(200);
}

describe('bss pack', () => {
  it('says what is wrong, on stderr alone, with exit code 1', async () => {
    const unknown = await run('pack', 'show', 'nothing');
    expect([unknown.code, unknown.stdout, unknown.stderr]).toEqual([
      1,
      '',
      expect.stringContaining('there is no pack "nothing"'),
    ]);
    const version = await run('pack', 'show', 'probe@7.0.0');
    expect([version.code, version.stderr]).toEqual([1, expect.stringContaining('It has: 1.0.0, 1.1.0')]);
    const nobody = await run('pack', 'install', 'probe', '--tenant', 'nobody');
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringContaining('no tenant "nobody"')]);
    const away = await bss(['pack', 'list', '--url', 'http://127.0.0.1:9', '--token', token]);
    expect([away.code, away.stderr]).toEqual([1, expect.stringContaining('nothing answers at http://127.0.0.1:9')]);
    const tenant = await test.tenant();
    const admin = await bss(['pack', 'list', '--url', test.service.url, '--token', await test.token(['admin'], tenant.id)]);
    expect([admin.code, admin.stderr]).toEqual([1, expect.stringContaining('needs one of the roles: system_admin')]);
  });

  it('lists, shows and installs', async () => {
    const tenant: TestTenant = await test.tenant('shop');
    const list = await run('pack', 'list');
    expect([list.code, list.stderr]).toEqual([0, '']);
    expect(list.stdout).toMatch(/^probe +1\.0\.0, 1\.1\.0 +Thing +probe$/m);
    expect((await run('pack', 'show', 'probe')).stdout).toMatch(/^probe 1\.1\.0[\s\S]*Thing +code, color$/m);
    expect(JSON.parse((await run('pack', 'show', 'security@1.0.0', '--json')).stdout).entities).toHaveLength(5);
    const installed = await run('pack', 'install', 'security@1.0.0', '--tenant', 'shop');
    expect([installed.code, installed.stdout]).toEqual([0, 'security 1.0.0 is installed in shop\n']);
    expect((await run('pack', 'list', '--tenant', tenant.id)).stdout).toMatch(/^security +1\.0\.0$/m);
    const again = await run('pack', 'install', 'security', '--tenant', tenant.id);
    expect([again.code, again.stderr]).toEqual([1, expect.stringContaining('in version 1.0.0')]);
  });
});

describe('bss rollout', () => {
  it('rehearses, starts with a bar, pauses, tells every tenant, and is steered to its end', async () => {
    const none = await run('rollout', 'status', '--pack', 'probe');
    expect([none.code, none.stderr]).toEqual([1, 'bss: there has been no rollout of probe yet\n']);
    const ids = [await packed('one'), await packed('two'), await packed('three')];
    await stand(ids[1] as string);

    const rehearsal = await run('rollout', 'start', 'probe', '--dry-run', '--ring', 'one,two', '--ring', 'all');
    expect([rehearsal.code, rehearsal.stdout]).toEqual([1, expect.stringContaining('probe 1.1.0: possible for 2 of 3 tenants')]);
    expect(rehearsal.stdout).toMatch(/^two +1 +pack\/conflict: .*rename your own property first/m);
    const json = await run('rollout', 'start', 'probe', '--dry-run', '--json');
    expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
      1,
      { total: 3, checked: 3, problems: [{ slug: 'two' }], next: null },
    ]);

    const started = await run('rollout', 'start', 'probe@1.1.0', '--ring', 'one,two', '--ring', 'all', '--concurrency', '2');
    expect(started.code).toBe(1);
    expect(started.stderr).toMatch(/3 tenants {2}ring 1\/2/);
    expect(started.stdout).toMatch(/^probe 1\.1\.0: paused, ring 1 of 2, 66 % of 3 tenants/);
    expect(started.stdout).toContain('1 of 2 tenants of ring 1 failed');
    const id = /bss rollout retry ([0-9a-f-]{36})/.exec(started.stdout)?.[1] as string;

    await test.database.admin(`alter table "${await schemaOf(ids[0] as string)}"."Thing" drop column color`);
    const status = await run('rollout', 'status');
    expect([status.code, status.stderr]).toEqual([0, '']);
    expect(status.stdout).toMatch(/^one +1\.1\.0 +done +1 +[1-9]/m);
    expect(status.stdout).toMatch(/^two +1\.0\.0 +failed +1 +none +pack\/conflict: /m);
    expect(status.stdout).toMatch(/^three +1\.0\.0 +pending +2 +none$/m);
    expect(status.stdout).toMatch(/^drift of one:\n {2}Thing: .*color/m);
    const { tenants } = JSON.parse((await run('rollout', 'status', id, '--only', 'failed', '--no-drift', '--json')).stdout);
    expect(tenants).toMatchObject([{ slug: 'two', error: { type: 'urn:bss:problem:pack/conflict' } }]);

    expect((await run('rollout', 'resume', id)).stdout).toMatch(/^probe 1\.1\.0: running, ring 2 of 2/);
    await over(id);
    const list = await run('rollout', 'list');
    expect(list.stdout).toMatch(new RegExp(`^${id} +probe 1\\.1\\.0 +done +100 % +1 `, 'm'));
    const late = await run('rollout', 'pause');
    expect([late.code, late.stderr]).toEqual([1, expect.stringContaining('The rollout is done')]);
    const again = await run('rollout', 'retry');
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('running')]);
    await over(id);
  });

  it('that nobody watches prints its id alone, and one without fault ends with exit code 0', async () => {
    await packed('four');
    const detached = await run('rollout', 'start', 'probe', '--ring', 'four', '--detach');
    expect([detached.code, detached.stderr, detached.stdout]).toEqual([0, '', expect.stringMatching(/^[0-9a-f-]{36}\n$/)]);
    await over(detached.stdout.trim());
    await packed('five');
    const watched = await run('rollout', 'start', 'probe', '--ring', 'five', '--json');
    expect([watched.code, JSON.parse(watched.stdout)]).toMatchObject([0, { status: 'done', percent: 100, counts: { done: 1 } }]);
  });

  it('refuses what it cannot read before it asks the service, and explains itself', async () => {
    const ring = await run('rollout', 'start', 'probe', '--ring', 'one,,two');
    expect([ring.code, ring.stderr]).toEqual([1, expect.stringContaining('takes all, a share such as 10%')]);
    const count = await run('rollout', 'start', 'probe', '--concurrency', 'many');
    expect([count.code, count.stderr]).toEqual([1, expect.stringContaining('must be a whole number')]);
    const stranger = await run('rollout', 'start', 'probe', '--ring', 'stranger');
    expect([stranger.code, stranger.stderr]).toEqual([1, expect.stringContaining('/rings/0/tenants/0: no tenant "stranger"')]);
    const help = await bss(['rollout', 'start', '--help']);
    expect(help.stdout).toContain('bss rollout start security@1.1.0 --ring acme --ring 25% --ring all');
  });
});

async function schemaOf(id: string): Promise<string> {
  const { rows } = await test.database.admin('select schema_name from business_store_service.tenants where id = $1', [id]);
  return rows[0].schema_name;
}

async function over(id: string): Promise<void> {
  for (const deadline = Date.now() + 30_000; Date.now() < deadline; ) {
    const { body } = await test.request(token, 'get', `/api/v1/rollouts/${id}`).expect(200);
    if (body.status !== 'running') return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error('the rollout is not over');
}
