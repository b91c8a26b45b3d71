/** Rollouts on their way: one tenant's failure is its own, rings wait for each other, and whoever was away is caught up. */

import { setTimeout as pause } from 'node:timers/promises';
import { refusal } from '../harness/problem.js';
import { is, NOTE, RolloutTest } from '../harness/rollouts.js';

jest.setTimeout(60_000);

let test: RolloutTest;

beforeAll(async () => {
  test = await RolloutTest.start();
});

afterAll(() => test?.stop());

describe('what a tenant added', () => {
  it('survives the upgrade, and is still told apart from the pack’s', async () => {
    const { pack, tenants } = await test.prepared(1);
    const { call, id: tenantId } = tenants[0]!;
    const { body } = await call('get', '/entities/Thing');
    const own = {
      ...body.document,
      properties: { ...body.document.properties, room: { type: 'string' } },
      indexes: [['room', 'kind']],
    };
    await call('put', '/entities/Thing').send(own).expect(200);
    await call('post', '/records/Thing').send({ code: 'a', kind: 'x', room: '101' }).expect(201);
    await test.until(await test.begin({ pack, version: '1.1.0' }), is('done'));
    const { body: thing } = await call('get', '/entities/Thing');
    expect(Object.keys(thing.document.properties)).toEqual(['code', 'kind', 'color', 'room']);
    expect((await call('get', '/records/Thing?select=code,room,color')).body).toEqual([{ code: 'a', room: '101' }]);
    const { rows } = await test.service.database.admin(
      'select additions from business_store_service.tenant_schemas where tenant_id = $1 and name = $2',
      [tenantId, 'Thing'],
    );
    expect(rows).toEqual([{ additions: { properties: { room: { type: 'string' } }, indexes: [['room', 'kind']] } }]);
    const { color: _, ...without } = thing.document.properties;
    expect(refusal(await call('put', '/entities/Thing').send({ ...thing.document, properties: without }))).toBe('409 pack/owned');
  });

  it('while the tenant is being upgraded is not undone: either it is in force afterwards, or it was refused', async () => {
    const { pack, tenants } = await test.prepared(1);
    const { call } = tenants[0]!;
    const { document } = (await call('get', '/entities/Thing')).body;
    const adding = await test.held(tenants[0]!, async () => {
      const id = await test.begin({ pack, version: '1.1.0' });
      await test.until(id, ({ counts }) => counts.running === 1);
      const answer = call('put', '/entities/Thing')
        .send({ ...document, properties: { ...document.properties, room: { type: 'string' } } })
        .then((response) => response);
      await pause(200);
      return { id, answer };
    });
    const { status } = await adding.answer;
    expect([200, 409]).toContain(status);
    await test.until(adding.id, is('done'));
    const { properties } = (await call('get', '/entities/Thing')).body.document;
    expect(Object.keys(properties).sort()).toEqual(['code', 'color', 'kind', ...(status === 200 ? ['room'] : [])]);
  });

  it('stops the upgrade of this tenant when it does not fit, before anything is done, and the others go on', async () => {
    const { pack, tenants } = await test.prepared(5);
    await test.addColor(tenants[1]!);
    const id = await test.begin({ pack, version: '1.1.0', rings: [{ all: true }], concurrency: 2 });
    expect(await test.until(id, is('done'))).toMatchObject({ counts: { done: 4, failed: 1 }, percent: 100 });
    expect(await test.statuses(id)).toEqual({ 0: 'done', 1: 'failed', 2: 'done', 3: 'done', 4: 'done' });
    const [failed] = await test.tenantsOf(id, '&status=failed');
    expect(failed).toMatchObject({
      ...{ slug: tenants[1]!.slug, version: '1.0.0', attempts: 1 },
      error: { type: 'urn:bss:problem:pack/conflict', entity: 'Thing', errors: [{ pointer: '/properties/color' }] },
    });
    expect((await tenants[1]!.call('get', '/entities')).body.items.map(({ name }: { name: string }) => name)).toEqual([
      'Note',
      'Thing',
    ]);
  });

  it('is told again when its cause is gone: retry takes the failed ones, and nobody else', async () => {
    const { pack, tenants } = await test.prepared(3);
    await test.addColor(tenants[1]!);
    const id = await test.begin({ pack, version: '1.1.0', rings: [{ all: true }] });
    await test.until(id, is('done'));
    await test.steer(id, 'retry').expect(200);
    expect(await test.until(id, is('done'))).toMatchObject({ counts: { done: 2, failed: 1 } });
    await test.removeColor(tenants[1]!);
    await test.steer(id, 'retry').expect(200);
    expect(await test.until(id, is('done'))).toMatchObject({ counts: { done: 3, failed: 0 } });
    expect((await test.tenantsOf(id)).map(({ attempts, version, error }) => [attempts, version, error])).toEqual(
      Array(3).fill([1, '1.1.0', null]),
    );
    expect(refusal(await test.steer(id, 'retry'))).toBe('409 rollout/conflict');
  });

  it('takes a name that the pack brings an entity of: the tenant fails and keeps its own', async () => {
    const { pack, tenants } = await test.prepared(2);
    await tenants[0]!.call('put', '/entities/Tag').send(NOTE).expect(201);
    const id = await test.begin({ pack, version: '1.1.0', rings: [{ all: true }] });
    await test.until(id, is('done'));
    expect(await test.statuses(id)).toEqual({ 0: 'failed', 1: 'done' });
    expect((await test.tenantsOf(id, '&status=failed'))[0]!.error).toMatchObject({
      type: 'urn:bss:problem:pack/conflict',
      entities: ['Tag'],
    });
    expect((await tenants[0]!.call('get', '/entities/Tag')).body).toEqual({ name: 'Tag', version: 1, document: NOTE });
  });
});

describe('rings', () => {
  it('follow each other; after one in which somebody failed nothing goes on until somebody says so', async () => {
    const { pack, tenants } = await test.prepared(6);
    await test.addColor(tenants[4]!);
    const rings = [{ tenants: [tenants[4]!.slug, tenants[5]!.id.toUpperCase()] }, { percent: 50 }, { all: true }];
    const id = await test.begin({ pack, version: '1.1.0', rings });
    const paused = await test.until(id, is('paused'));
    expect(paused).toMatchObject({
      ring: 1,
      counts: { done: 1, failed: 1, pending: 4 },
      rings: [{ total: 2 }, { total: 1 }, { total: 3 }],
    });
    expect(paused.reason).toContain('1 of 2 tenants of ring 1 failed');
    expect(paused.estimatedRemainingSeconds).toBeNull();
    await test.steer(id, 'retry').expect(200);
    expect(await test.until(id, is('paused'))).toMatchObject({ ring: 1, counts: { done: 1, failed: 1, pending: 4 } });
    await test.steer(id, 'resume').expect(200);
    expect(await test.until(id, is('done'))).toMatchObject({ counts: { done: 5, failed: 1 }, ring: 3 });
    const finished = new Map((await test.tenantsOf(id)).map(({ ring, finishedAt }) => [ring, String(finishedAt)]));
    expect(finished.get(1)! < finished.get(2)! && finished.get(2)! < finished.get(3)!).toBe(true);
  });

  it('can be paused, resumed and cancelled; what has begun is finished', async () => {
    const { pack, tenants } = await test.prepared(3);
    const id = await test.held(tenants[0]!, async () => {
      const started = await test.begin({ pack, version: '1.1.0', rings: [{ all: true }], concurrency: 1 });
      await test.until(started, ({ counts }) => counts.running === 1);
      expect((await test.steer(started, 'pause').expect(200)).body).toMatchObject({
        status: 'paused',
        reason: 'paused by system_admin@test',
      });
      await test.steer(started, 'pause').expect(200);
      return started;
    });
    await test.until(id, ({ counts }) => counts.done === 1);
    await pause(300);
    expect(await test.statuses(id)).toEqual({ 0: 'done', 1: 'pending', 2: 'pending' });
    await test.held(tenants[1]!, async () => {
      expect((await test.steer(id, 'resume').expect(200)).body).toMatchObject({ status: 'running', reason: null });
      await test.until(id, ({ counts }) => counts.running === 1);
      expect((await test.steer(id, 'cancel').expect(200)).body).toMatchObject({ status: 'cancelled' });
    });
    await test.until(id, ({ counts }) => counts.running === 0);
    expect(await test.statuses(id)).toEqual({ 0: 'done', 1: 'done', 2: 'skipped' });
    for (const verb of ['resume', 'pause', 'retry']) expect(refusal(await test.steer(id, verb))).toBe('409 rollout/conflict');
    await test.steer(id, 'cancel').expect(200);
    expect((await tenants[2]!.call('get', '/entities/Thing')).body.version).toBe(1);
    // Another one takes up what is left.
    await test.until(await test.begin({ pack, version: '1.1.0' }), is('done'));
    expect((await tenants[2]!.call('get', '/entities/Thing')).body.version).toBe(2);
  });
});

describe('a suspended tenant', () => {
  it('holds up nobody, and is caught up when it is resumed, even after the rollout is done', async () => {
    const { pack, tenants } = await test.prepared(3);
    await test.suspend(tenants[0]!);
    const id = await test.begin({ pack, version: '1.1.0' });
    expect(await test.until(id, is('done'))).toMatchObject({ counts: { done: 2, suspended: 1 }, percent: 100 });
    expect((await test.tenantsOf(id))[0]).toMatchObject({ status: 'suspended', tenantStatus: 'suspended', version: '1.0.0' });
    await pause(100);
    expect(await test.statuses(id)).toEqual({ 0: 'suspended', 1: 'done', 2: 'done' });
    await test.resume(tenants[0]!);
    expect(await test.until(id, ({ counts }) => counts.done === 3)).toMatchObject({ status: 'done' });
    expect((await tenants[0]!.call('get', '/entities/Thing')).body.version).toBe(2);
  });

  it('goes to the newest version that was rolled out meanwhile, and not back to one before', async () => {
    const { pack, tenants } = await test.prepared(2);
    await test.suspend(tenants[0]!);
    const first = await test.begin({ pack, version: '1.1.0' });
    await test.until(first, is('done'));
    const second = await test.begin({ pack, version: '2.0.0', allow: ['destructive', 'drop:text'] });
    await test.until(second, is('done'));
    expect(await test.statuses(first)).toEqual({ 0: 'skipped', 1: 'done' });
    await test.resume(tenants[0]!);
    await test.until(second, ({ counts }) => counts.done === 2);
    expect((await test.tenantsOf(second)).map(({ version }) => version)).toEqual(['2.0.0', '2.0.0']);
  });
});

describe('a tenant that was taken out of the hands of who works on it', () => {
  it('is noted by whoever has it now, and by nobody else', async () => {
    const { pack, tenants } = await test.prepared(1);
    const tenantId = tenants[0]!.id;
    const lease = (change: string) =>
      test.service.database.admin(`update business_store_service.rollout_tenants set ${change} where tenant_id = $1`, [tenantId]);
    const id = await test.held(tenants[0]!, async () => {
      const begun = await test.begin({ pack, version: '1.1.0' });
      await test.until(begun, ({ counts }) => counts.running === 1);
      await lease('lease_holder = gen_random_uuid()');
      return begun;
    });
    // The entity follows; what is said of the tenant does not.
    for (let version = 1; version === 1; await pause(20)) {
      version = (await tenants[0]!.call('get', '/entities/Thing')).body.version;
    }
    await pause(300);
    expect(await test.tenantsOf(id)).toMatchObject([{ status: 'running', version: '1.0.0' }]);
    await lease('lease_until = now()');
    await test.until(id, is('done'));
    expect(await test.tenantsOf(id)).toMatchObject([{ status: 'done', version: '1.1.0', attempts: 2 }]);
    const { body: trail } = await tenants[0]!.call('get', '/audit?action=pack.upgraded');
    expect(trail.items).toHaveLength(1);
  });
});
