/** Rollouts: who may begin one, what it does to each tenant, what it foresees, and what it finds. */

import type { Rehearsal } from '../../src/packs/rollout-rehearsal.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { is, RolloutTest } from '../harness/rollouts.js';
import type { Method } from '../harness/service.js';

jest.setTimeout(60_000);

let test: RolloutTest;

beforeAll(async () => {
  test = await RolloutTest.start();
});

afterAll(() => test?.stop());

describe('rollouts', () => {
  it('are for system administrators: no role of a tenant may begin, see or steer one', async () => {
    const { pack, tenants } = await test.prepared(1);
    const id = await test.begin({ pack, version: '1.1.0' });
    const admin = await test.service.token(['admin'], tenants[0]!.id);
    const ask = (method: Method, path: string) => test.service.request(admin, method, `/api/v1/rollouts${path}`);
    const refused = [ask('post', '').send({ pack }), ask('get', ''), ask('get', `/${id}`), ask('get', `/${id}/tenants`)];
    refused.push(...['pause', 'resume', 'retry', 'cancel'].map((verb) => ask('post', `/${id}/${verb}`)));
    for (const attempt of refused) expect(refusal(await attempt)).toBe('403 auth/forbidden');
    await test.until(id, is('done'));
  });

  it('are refused for a pack, a version or a tenant that is not there, and for rings that are none', async () => {
    const { pack, tenants } = await test.prepared(1);
    const stranger = await test.service.tenant();
    const begin = (order: object) => test.system('post', '/rollouts').send(order);
    expect(refusal(await begin({ pack: 'nothing' }))).toBe('404 pack/not-found');
    expect(refusal(await begin({ pack, version: '1.2.0' }))).toBe('404 pack/not-found');
    const unknown = await begin({ pack, rings: [{ tenants: [tenants[0]!.slug, 'nobody', stranger.id] }] });
    expect([refusal(unknown), faultsOf(unknown)]).toEqual([
      '422 request/invalid',
      ['/rings/0/tenants/1 tenant', '/rings/0/tenants/2 tenant'],
    ]);
    for (const [ring, place] of [
      [{}, '/rings/0'],
      [{ percent: 10, all: true }, '/rings/0'],
      [{ percent: 0 }, '/rings/0/percent'],
      [{ all: false }, '/rings/0/all'],
      [{ tenants: [] }, '/rings/0/tenants'],
      [{ tenants: [7] }, '/rings/0/tenants'],
      [{ some: 1 }, '/rings/0/some'],
    ] as const) {
      const refused = await begin({ pack, rings: [ring] });
      expect([refusal(refused), faultsOf(refused).map((fault) => fault.split(' ')[0])]).toEqual([
        '422 request/invalid',
        expect.arrayContaining([place]),
      ]);
    }
    for (const order of [
      { pack, concurrency: 0 },
      { pack, concurrency: 33 },
      { pack, rings: [] },
      { pack, version: 'new' },
    ]) {
      expect(refusal(await begin(order))).toBe('422 request/invalid');
    }
    for (const id of ['nonsense', '00000000-0000-7000-8000-000000000000']) {
      expect(refusal(await test.system('get', `/rollouts/${id}`))).toBe('404 rollout/not-found');
      expect(refusal(await test.system('get', `/rollouts/${id}/tenants`))).toBe('404 rollout/not-found');
      expect(refusal(await test.steer(id, 'pause'))).toBe('404 rollout/not-found');
    }
  });

  it('of one pack go one at a time', async () => {
    const { pack, tenants } = await test.prepared(2);
    await test.held(tenants[0]!, async () => {
      const id = await test.begin({ pack, version: '1.1.0' });
      const second = await test.system('post', '/rollouts').send({ pack, version: '2.0.0' });
      expect([refusal(second), second.body.rolloutId]).toEqual(['409 rollout/conflict', id]);
      await test.steer(id, 'cancel').expect(200);
    });
  });

  it('take every tenant to the version, with what is new and what is changed, and say so in each trail and the platform’s', async () => {
    const { pack, tenants } = await test.prepared(3);
    await tenants[0]!.call('post', '/records/Thing').send({ code: 'a', kind: 'x' }).expect(201);
    const newest = await test.member(`${pack}-newest`, `${pack}@1.1.0`);
    const { body } = await test.system('post', '/rollouts').send({ pack, version: '1.1.0' }).expect(201);
    expect(body).toMatchObject({
      pack,
      version: '1.1.0',
      total: 3,
      concurrency: 4,
      rings: [
        { percent: 10, total: 1 },
        { all: true, total: 2 },
      ],
    });
    const done = await test.until(body.id, is('done'));
    expect(done).toMatchObject({ percent: 100, counts: { done: 3, failed: 0 }, ring: 2, reason: null });
    expect(done.finishedAt).not.toBeNull();
    for (const { call, id } of tenants) {
      const entities = (await call('get', '/entities')).body.items;
      expect(entities.map(({ name, version }: { name: string; version: number }) => `${name} ${version}`)).toEqual([
        'Note 1',
        'Tag 1',
        'Thing 2',
      ]);
      expect(entities.every(({ pack: its }: { pack: { version: string } }) => its.version === '1.1.0')).toBe(true);
      expect((await test.system('get', `/tenants/${id}/packs`)).body.items).toMatchObject([{ name: pack, version: '1.1.0' }]);
      const { body: trail } = await call('get', '/audit?action=pack.upgraded');
      expect(trail.items).toMatchObject([
        { before: { version: '1.0.0' }, after: { version: '1.1.0' }, detail: { rollout: body.id, changed: ['Thing', 'Tag'] } },
      ]);
    }
    expect((await tenants[0]!.call('get', '/records/Thing?select=code,color')).body).toEqual([{ code: 'a' }]);
    expect((await newest.call('get', '/entities/Thing')).body.version).toBe(1);
    expect((await test.tenantsOf(body.id)).find(({ slug }) => slug === newest.slug)).toMatchObject({
      status: null,
      ring: null,
      version: '1.1.0',
    });
    const { rows } = await test.service.database.admin(
      "select action from audit.events where body::json->'detail'->>'rollout' = $1 and action like 'rollout.%' order by event_id",
      [body.id],
    );
    expect(rows.map(({ action }) => action)).toEqual(['rollout.created', 'rollout.finished']);
  });

  it('are done at once when nobody needs them', async () => {
    const pack = test.unusedPack();
    const id = await test.begin({ pack });
    expect(await test.until(id, is('done'))).toMatchObject({ total: 0, percent: 100 });
  });

  it('are listed in pages, newest first, also of one pack', async () => {
    const { body: first } = await test.system('get', '/rollouts?limit=2').expect(200);
    expect(first.items).toHaveLength(2);
    const { body: second } = await test.system('get', `/rollouts?limit=2&after=${first.next}`).expect(200);
    expect(second.items[0].id < first.items[1].id).toBe(true);
    const { body: own } = await test.system('get', `/rollouts?pack=${first.items[0].pack}`).expect(200);
    expect(own.items.map(({ pack }: { pack: string }) => pack)).toEqual([first.items[0].pack]);
    expect(own.next).toBeNull();
  });
});

describe('what would lose something, or that records stand against', () => {
  it('is refused unless it is allowed; records in the way are told', async () => {
    const { pack, tenants } = await test.prepared(3);
    await tenants[0]!.call('post', '/records/Thing').send({ code: 'a' }).expect(201);
    const first = await test.begin({ pack, version: '2.0.0', rings: [{ all: true }] });
    expect(await test.until(first, is('done'))).toMatchObject({ counts: { failed: 3 } });
    const errors = (await test.tenantsOf(first)).map(({ error }) => (error as { type: string }).type.split(':').at(-1));
    expect(errors).toEqual(['entity/plan-impossible', 'entity/needs-answer', 'entity/needs-answer']);
    const second = await test.begin({ pack, version: '2.0.0', rings: [{ all: true }], allow: ['destructive', 'drop:text'] });
    expect(await test.until(second, is('done'))).toMatchObject({ counts: { done: 2, failed: 1 } });
    expect((await test.tenantsOf(second, '&status=failed'))[0]).toMatchObject({
      slug: tenants[0]!.slug,
      error: { entity: 'Thing' },
    });
    expect(await test.statuses(first)).toEqual({ 0: 'skipped', 1: 'skipped', 2: 'skipped' });
  });

  it('is foreseen by a dry run, which changes nothing', async () => {
    const { pack, tenants } = await test.prepared(3);
    await test.addColor(tenants[0]!);
    await tenants[1]!.call('post', '/records/Thing').send({ code: 'a' }).expect(201);
    const rehearse = async (order: object) =>
      (
        await test
          .system('post', '/rollouts')
          .send({ pack, dryRun: true, ...order })
          .expect(200)
      ).body;
    expect(await rehearse({ version: '1.1.0' })).toEqual({
      ...{ dryRun: true, pack, version: '1.1.0', total: 3, untouched: 0, checked: 3, possible: 2, impossible: 1, next: null },
      problems: [
        {
          tenantId: tenants[0]!.id,
          slug: tenants[0]!.slug,
          ring: 1,
          error: expect.objectContaining({ type: 'urn:bss:problem:pack/conflict' }),
        },
      ],
    });
    const allowed = await rehearse({
      version: '2.0.0',
      rings: [{ tenants: tenants.slice(1).map(({ id }) => id) }],
      allow: ['destructive', 'drop:text'],
    });
    expect(allowed).toMatchObject({ total: 2, possible: 1, untouched: 1, problems: [{ slug: tenants[1]!.slug }] });
    expect((await test.system('get', `/rollouts?pack=${pack}`)).body.items).toEqual([]);
    expect((await tenants[2]!.call('get', '/entities/Thing')).body.version).toBe(1);
  });
});

describe('a dry run', () => {
  it('is refused pages that are none, and a rollout itself has none', async () => {
    const { pack } = await test.prepared(1);
    const id = '00000000-0000-7000-8000-000000000000';
    for (const [order, fault] of [
      [{ dryRun: true, limit: 0 }, '/limit min'],
      [{ dryRun: true, limit: 201 }, '/limit max'],
      [{ dryRun: true, after: 'nobody' }, '/after isUuid'],
      [{ limit: 5 }, '/limit ofDryRun'],
      [{ dryRun: false, after: id }, '/after ofDryRun'],
    ] as const) {
      const refused = await test.system('post', '/rollouts').send({ pack, ...order });
      expect([refusal(refused), faultsOf(refused)]).toEqual(['422 request/invalid', [fault]]);
    }
    expect((await test.system('get', `/rollouts?pack=${pack}`)).body.items).toEqual([]);
  });

  it('goes on from page to page, and every tenant is in one of them', async () => {
    const { pack, tenants } = await test.prepared(5);
    for (const each of [tenants[0]!, tenants[3]!]) await test.addColor(each);
    const rings = [{ tenants: [tenants[3]!.slug] }, { all: true }];
    const pages: Rehearsal[] = [];
    for (let after: string | null = null; pages.length < 9; ) {
      const order: object = { pack, version: '1.1.0', rings, dryRun: true, limit: 2, ...(after ? { after } : {}) };
      const answer = await test.system('post', '/rollouts').send(order).expect(200);
      pages.push(answer.body);
      after = pages.at(-1)?.next ?? null;
      if (after === null) break;
    }
    expect(pages.map(({ total, untouched, checked, possible }) => [total, untouched, checked, possible])).toEqual([
      [5, 0, 2, 1],
      [5, 0, 2, 1],
      [5, 0, 1, 1],
    ]);
    expect(pages.map(({ problems }) => problems.map(({ slug, ring }) => `${slug} ${ring}`))).toEqual([
      [`${tenants[0]!.slug} 2`],
      [`${tenants[3]!.slug} 1`],
      [],
    ]);
    expect(pages.map(({ next }) => next)).toEqual([tenants[1]!.id, tenants[3]!.id, null]);
  });
});

describe('drift', () => {
  it('is none where a change is under way, whose objects are told apart', async () => {
    const { pack, tenants } = await test.prepared(2);
    const id = await test.begin({ pack, version: '1.1.0' });
    await test.until(id, is('done'));
    const { admin } = test.service.database;
    for (const { schemaName } of tenants) await admin(`create index "Thing.x~new" on "${schemaName}"."Thing" (code)`);
    const plan = { answer: { steps: [] }, statements: [{ makes: { kind: 'index', name: 'Thing.x~new' } }] };
    await admin(
      `insert into business_store_service.schema_changes
         (tenant_id, change_id, entity_id, entity, from_version, document, hash, plan, allow, created_by, request_id, lease_holder, lease_until)
       select tenant_id, gen_random_uuid(), entity_id, name, version, '{}', '', $2, '{}', 'x', 'x', gen_random_uuid(), 'infinity'
       from business_store_service.tenant_schemas where tenant_id = $1 and name = 'Thing'`,
      [tenants[0]!.id, plan],
    );
    const [changing, left] = await test.tenantsOf(id, '&drift=true');
    expect(changing).toMatchObject({ drift: [], preparing: [{ entity: 'Thing', object: 'index', name: 'Thing.x~new' }] });
    expect(left).toMatchObject({ drift: [{ entity: 'Thing', kind: 'unfinished', name: 'Thing.x~new' }], preparing: [] });
  });

  it('of each tenant is found and explained', async () => {
    const { pack, tenants } = await test.prepared(2);
    const id = await test.begin({ pack, version: '1.1.0' });
    await test.until(id, is('done'));
    await test.service.database.admin(`alter table "${tenants[1]!.schemaName}"."Thing" drop column color`);
    const items = await test.tenantsOf(id, '&drift=true');
    expect(items[0]!.drift).toEqual([]);
    expect(items[1]!.drift).toEqual(
      expect.arrayContaining([
        { entity: 'Thing', kind: 'missing', object: 'column', name: 'color', message: expect.stringContaining('color') },
      ]),
    );
    expect((await test.tenantsOf(id))[0]).not.toHaveProperty('drift');
  });
});
