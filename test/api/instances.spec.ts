/** Two instances on one database: what one changes the other follows at once, and what it does not know yet it learns on the way. */

import { setTimeout as pause } from 'node:timers/promises';
import supertest from 'supertest';
import type { RunningService } from '../../src/start.js';
import { withClient } from '../harness/database.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let here: Awaited<ReturnType<TestTenant['as']>>;
let there: typeof here;

beforeAll(async () => {
  test = await startTestService();
  second = await test.another();
  tenant = await test.tenant();
  here = await tenant.as();
  const token = await test.token(['admin'], tenant.id);
  there = (method: Method, path: string) =>
    supertest(second.url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
});

afterAll(async () => {
  await second.stop();
  await test.stop();
});

const document = (properties: object) => ({ type: 'object', additionalProperties: false, properties });
const BASE = { title: { type: 'string' }, stars: { type: 'integer' } };

/** Asks until the answer has this status; how long that took, in milliseconds. */
async function until(status: number, ask: () => supertest.Test): Promise<number> {
  const start = performance.now();
  for (;;) {
    const answer = await ask();
    const waited = performance.now() - start;
    if (answer.status === status) return waited;
    if (waited > 5_000) throw new Error(`still ${answer.status} after ${waited} ms: ${answer.text}`);
    await pause(5);
  }
}

/** What an instance that nobody woke has missed: the change itself, without the notification. */
async function changeUnnoticed(name: string, sql: (table: string) => string, properties: object): Promise<void> {
  await test.database.admin(sql(`"${tenant.schemaName}"."${name}"`));
  await test.database.admin(
    'update business_store_service.tenant_schemas set document = $3, version = version + 1 where tenant_id = $1 and name = $2',
    [tenant.id, name, JSON.stringify(document(properties))],
  );
}

describe('another instance', () => {
  it('knows a new entity, and a new property, within a second', async () => {
    expect(refusal(await there('get', '/records/note'))).toBe('404 entity/not-found');
    await tenant.define('note', document(BASE));
    expect(await until(200, () => there('get', '/records/note'))).toBeLessThan(1_000);
    expect(faultsOf(await there('post', '/records/note').send({ title: 'a', color: 'red' }))).toEqual([
      '/color additionalProperties',
    ]);
    await tenant.define('note', document({ ...BASE, color: { type: 'string' } }));
    expect(await until(201, () => there('post', '/records/note').send({ title: 'a', color: 'red' }))).toBeLessThan(1_000);
    expect((await here('get', '/records/note?select=title,color')).body).toEqual([{ title: 'a', color: 'red' }]);
  });

  it('refuses a suspended tenant, and lets it in again, within a second', async () => {
    expect((await there('get', '/entities')).status).toBe(200);
    const system = await test.token(['system_admin']);
    const update = (status: string) => test.request(system, 'patch', `/api/v1/tenants/${tenant.id}`).send({ status });
    await update('suspended');
    expect(await until(403, () => there('get', '/entities'))).toBeLessThan(1_000);
    await update('active');
    expect(await until(200, () => there('get', '/entities'))).toBeLessThan(1_000);
  });

  it('that missed a change of the table refreshes and runs the request again, which does not fail', async () => {
    await tenant.define('stale', document(BASE));
    await until(200, () => there('get', '/records/stale'));
    const { id } = (await there('post', '/records/stale').send({ title: 'a', stars: 1 })).body;
    await there('get', `/records/stale/${id}`);
    const renamed = { title: BASE.title, rating: BASE.stars };
    await changeUnnoticed('stale', (table) => `alter table ${table} rename column stars to rating`, renamed);
    expect((await there('get', `/records/stale/${id}`)).body).toMatchObject({ title: 'a', rating: 1 });

    const retitled = { name: BASE.title, rating: BASE.stars };
    await changeUnnoticed('stale', (table) => `alter table ${table} rename column title to name`, retitled);
    const patched = await here('patch', `/records/stale/${id}`).send({ rating: 2 });
    expect([patched.status, patched.body]).toMatchObject([200, { name: 'a', rating: 2, revision: 2 }]);
    const listed = await there('get', '/records/stale?select=rating');
    expect([listed.status, listed.body]).toEqual([200, [{ rating: 2 }]]);
  });

  it('that refreshed on the way still hears of the next change', async () => {
    await tenant.define('twice', document(BASE));
    await until(200, () => there('get', '/records/twice'));
    const renamed = { title: BASE.title, rating: BASE.stars };
    await changeUnnoticed('twice', (table) => `alter table ${table} rename column stars to rating`, renamed);
    expect((await there('get', '/records/twice')).status).toBe(200);
    await tenant.define('twice', document({ ...renamed, color: { type: 'string' } }));
    expect(await until(200, () => there('get', '/records/twice?color=is.null'))).toBeLessThan(1_000);
  });

  it('whose prepared statements have other results by now prepares them anew', async () => {
    await tenant.define('typed', document(BASE));
    await until(200, () => there('get', '/records/typed'));
    const { id } = (await there('post', '/records/typed').send({ title: 'a', stars: 3 })).body;
    for (let i = 0; i < 12; i++) await there('get', `/records/typed/${id}`);
    const number = { ...BASE, stars: { type: 'number' } };
    await changeUnnoticed('typed', (table) => `alter table ${table} alter column stars type double precision`, number);
    expect((await there('get', `/records/typed/${id}`)).body).toMatchObject({ stars: 3 });
    expect((await there('post', '/records/typed').send({ title: 'b', stars: 1.5 })).body).toMatchObject({ stars: 1.5 });
    expect((await there('get', `/records/typed/${id}`)).body).toMatchObject({ title: 'a', stars: 3 });
  });

  it('that missed a removed entity says that it is gone', async () => {
    await tenant.define('gone', document(BASE));
    await until(200, () => there('get', '/records/gone'));
    await test.database.admin(`drop table "${tenant.schemaName}".gone`);
    await test.database.admin(
      "update business_store_service.tenant_schemas set name = 'away' where tenant_id = $1 and name = 'gone'",
      [tenant.id],
    );
    expect(refusal(await there('get', '/records/gone'))).toBe('404 entity/not-found');
  });
});

describe('a new property of an entity that keeps undeclared members', () => {
  const open = { type: 'object', properties: { title: { type: 'string' } } };
  const withColor = { ...open, properties: { ...open.properties, color: { type: 'string' } } };

  it('never hides what a writer who did not know it yet stores under its name', async () => {
    await tenant.define('raced', open);
    await until(200, () => there('get', '/records/raced'));
    const { id } = (await there('post', '/records/raced').send({ title: 'old' })).body;
    // Definition first, writers behind it: the order of the queue for the table's lock.
    const writes = await withClient(test.database.adminUrl, async (client) => {
      await client.query('begin');
      await client.query(`lock table "${tenant.schemaName}".raced in access share mode`);
      const defining = here('put', '/entities/raced')
        .send(withColor)
        .then((answer) => answer);
      await pause(200);
      const writing = [
        here('post', '/records/raced').send({ title: 'here', color: 'red' }),
        there('post', '/records/raced').send({ title: 'there', color: 'green' }),
        there('patch', `/records/raced/${id}`).send({ color: 'blue' }),
      ].map((request) => request.then((answer) => answer));
      await pause(200);
      await client.query('commit');
      expect((await defining).status).toBe(200);
      return Promise.all(writing);
    });
    expect(writes.map(({ status }) => status)).toEqual([201, 201, 200]);
    // What was stored before the definition moves into the column with it; who has not heard yet looks where it was.
    while ((await there('get', '/entities/raced')).body.version < 2) await pause(5);
    for (const { body } of writes) {
      expect(body.color).toMatch(/red|green|blue/);
      expect((await there('get', `/records/raced/${body.id}`)).body).toEqual(body);
      expect((await here('get', `/records/raced?select=id&color=eq.${body.color}`)).body).toEqual([{ id: body.id }]);
    }
  });
});
