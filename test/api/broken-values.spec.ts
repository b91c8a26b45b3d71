/** A value in the table is not what was stored there: nobody is answered with it, and everybody who has to know of it does. */

import { type EncryptedTenant, encryptedTenant } from '../harness/encrypted-tenant.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let test: TestService;
let scene: EncryptedTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
});

afterAll(() => test.stop());

beforeEach(async () => {
  scene = await encryptedTenant(test);
  call = await scene.tenant.as();
  await call('post', '/records/person').send({ name: 'Eve', diagnosis: 'nothing' }).expect(201);
});

const admin = async (sql: string, values: readonly unknown[] = []) => (await test.database.admin(sql, values)).rows;

const tamper = (sql: string) =>
  admin(
    `update "${scene.tenant.schemaName}".person set "diagnosis~sealed" = ${sql.replace('$schema', scene.tenant.schemaName)} where id = $1`,
    [scene.ada],
  );

const BROKEN = 'set_byte("diagnosis~sealed", 25, get_byte("diagnosis~sealed", 25) # 1)';

const events = () =>
  admin(
    `select actor, entity, record_id, request_id, body from audit.events
     where tenant_id = $1 and action = 'record.integrity-failed' order by event_id`,
    [scene.tenant.id],
  );

async function failures(): Promise<number> {
  const [, count] = /^bss_integrity_failures_total (\d+)$/m.exec((await test.request(null, 'get', '/metrics')).text) ?? [];
  return Number(count);
}

describe('a value that was changed in the table', () => {
  it.each([
    ['one byte of it', BROKEN],
    ['the version of its key', 'set_byte("diagnosis~sealed", 5, 99)'],
    ['the value of another record', `(select b."diagnosis~sealed" from "$schema".person as b where b.name = 'Eve')`],
  ])('is an integrity failure: %s', async (_name, sql) => {
    const before = await failures();
    await tamper(sql);
    const answer = await call('get', `/records/person/${scene.ada}`).set('x-request-id', 'the-request');
    expect(refusal(answer)).toBe('500 key/integrity');
    expect(await failures()).toBe(before + 1);
    const [event, ...more] = await events();
    expect([event, more]).toEqual([
      {
        ...{ actor: 'admin@test', entity: 'person', record_id: scene.ada, request_id: answer.headers['x-request-id'] },
        body: expect.stringContaining('"field":"diagnosis@1"'),
      },
      [],
    ]);
    expect(event.body).not.toMatch(/x0[0-9]01/);
  });

  it('does not keep anybody from what is beside it', async () => {
    await tamper(BROKEN);
    const { status, body } = await call('get', '/records/person?select=name,ssn&name=eq.Ada');
    expect([status, body]).toEqual([200, [{ name: 'Ada', ssn: '123-45-6789' }]]);
    expect(await events()).toEqual([]);
  });

  it('fills no trail, however often it is read', async () => {
    await tamper(BROKEN);
    const before = await failures();
    for (let n = 0; n < 50; n++) expect((await call('get', `/records/person/${scene.ada}`)).status).toBe(500);
    expect(await failures()).toBe(before + 50);
    const written = (await events()).length;
    expect([written >= 30, written < 40]).toEqual([true, true]);
  });

  it('breaks off an export that comes to it', async () => {
    await tamper(BROKEN);
    expect(refusal(await call('get', '/exports/person'))).toBe('500 key/integrity');
    expect(await events()).toMatchObject([{ actor: 'admin@test', entity: 'person' }]);
  });
});
