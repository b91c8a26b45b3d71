/** A change gives way: whoever comes after it never waits long behind somebody's report, and in the end it gets its lock. */

import { setTimeout as pause } from 'node:timers/promises';
import type pg from 'pg';
import type supertest from 'supertest';
import { withClient } from '../harness/database.js';
import { type Call, change, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';
import { tapWire, type WireTap } from '../harness/wire-tap.js';

let test: TestService;
let tap: WireTap;
let tenant: TestTenant;
let admin: Call;

beforeAll(async () => {
  const around = await createSurroundings();
  tap = await tapWire(around.database.controlUrl);
  test = await startTestService({ DATABASE_CONTROL_URL: tap.url }, around);
  tenant = await test.tenant();
  admin = await tenant.as();
});

beforeEach(() => {
  tap.messages.length = 0;
});

afterAll(async () => {
  await test.stop();
  await tap.stop();
});

const NOTE = document({ title: { type: 'string' } });
const RENAMED = document({ name: { type: 'string', renamedFrom: 'title' } });

const tableOf = (entity: string): string => `"${tenant.schemaName}"."${entity}"`;

/** Somebody's transaction that has read, or done worse to, the table of an entity, for as long as `work` takes. */
async function during<T>(entity: string, statement: string, work: (close: () => Promise<unknown>) => Promise<T>): Promise<T> {
  return withClient(test.database.adminUrl, async (client: pg.Client) => {
    await client.query('begin');
    await client.query(statement.replace('@', tableOf(entity)));
    return work(() => client.query('commit'));
  });
}

/** How often a statement about the table was tried. */
const attempts = (text: RegExp): number => tap.messages.filter(({ sql }) => text.test(sql)).length;

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !condition(); i++) await pause(10);
  expect(condition()).toBe(true);
}

/** Sent now, and whether it has been answered yet. */
function sent(request: PromiseLike<supertest.Response>) {
  const state = { isAnswered: false, answer: Promise.resolve(request) };
  void state.answer.then(() => {
    state.isAnswered = true;
  });
  return state;
}

const apply = async (entity: string, wanted: object, allow: readonly string[] = []) => {
  const { hash } = await planOf(admin, entity, wanted);
  return admin('post', `/entities/${entity}/apply`).send({ document: wanted, hash, allow });
};

describe('behind a long report', () => {
  it('a change asks again and again, for a tenth of a second at a time; readers and writers get through meanwhile', async () => {
    await tenant.define('reported', NOTE);
    await store(admin, 'reported', [{ title: 'a' }]);
    const { hash } = await planOf(admin, 'reported', RENAMED);
    await during('reported', 'select from @', async (close) => {
      const applying = sent(admin('post', '/entities/reported/apply').send({ document: RENAMED, hash }));
      const asked = () => attempts(/^lock table .*"reported" in access exclusive mode$/);
      await until(() => asked() >= 1);
      for (let i = 0; i < 10; i++) {
        expect(await contents(admin, 'reported', '&title=eq.a')).toEqual([{ title: 'a' }]);
        expect((await admin('post', '/records/reported').send({ title: `b${i}` })).status).toBe(201);
      }
      await until(() => asked() >= 4);
      expect(applying.isAnswered).toBe(false);
      // Each attempt is a transaction that asks for the lock under this limit and no other.
      const spoken = tap.messages.map(({ sql }) => sql).filter((sql) => /lock_timeout|^lock table/.test(sql));
      for (const [index, sql] of spoken.entries()) {
        if (/^lock table/.test(sql)) expect(spoken[index - 1]).toBe("set local lock_timeout = '100ms'");
      }
      await close();
      const { status, body } = await applying.answer;
      expect([status, body.version]).toEqual([200, 2]);
    });
    expect((await contents(admin, 'reported', '&name=eq.b9')).length).toBe(1);
    expect(await driftOf(admin, 'reported')).toEqual([]);
  });

  it('after half a minute it gives up, says when to come again, and has changed nothing', async () => {
    await tenant.define('busy', NOTE);
    const [id] = await store(admin, 'busy', [{ title: 'a' }]);
    const events = async () => (await admin('get', '/audit?entity=busy')).body.items.length;
    const before = await events();
    await during('busy', 'select from @', async (close) => {
      const { hash } = await planOf(admin, 'busy', RENAMED);
      const applying = sent(admin('post', '/entities/busy/apply').send({ document: RENAMED, hash }));
      await until(() => attempts(/^lock table .*"busy"/) >= 2);
      const now = Date.now.bind(Date);
      const later = jest.spyOn(Date, 'now').mockImplementation(() => now() + 31_000);
      const refused = await applying.answer;
      later.mockRestore();
      expect([refusal(refused), refused.headers['retry-after']]).toEqual(['503 entity/busy', '10']);
      expect((await admin('get', '/entities/busy')).body).toMatchObject({ version: 1, document: NOTE });
      expect((await admin('get', `/records/busy/${id}`)).body).toMatchObject({ title: 'a' });
      expect(await events()).toBe(before);
      await close();
      // The very same plan is still good.
      expect((await admin('post', '/entities/busy/apply').send({ document: RENAMED, hash })).status).toBe(200);
    });
  });

  it('a plan is made at once, and asks for no lock', async () => {
    await tenant.define('planned', NOTE);
    tap.messages.length = 0;
    for (const held of ['select from @', 'update @ set revision = revision']) {
      await during('planned', held, async (close) => {
        expect((await planOf(admin, 'planned', RENAMED)).possible).toBe(true);
        await close();
      });
    }
    expect(attempts(/^lock|lock_timeout|"planned"/)).toBe(0);
  });

  it('a change of one entity holds up no change of another', async () => {
    for (const name of ['held', 'free']) await tenant.define(name, NOTE);
    await during('held', 'select from @', async (close) => {
      const held = sent(apply('held', RENAMED));
      await until(() => attempts(/^lock table .*"held"/) >= 1);
      await change(admin, 'free', RENAMED);
      expect((await admin('put', '/entities/fresh').send(NOTE)).status).toBe(201);
      expect(held.isAnswered).toBe(false);
      await close();
      expect((await held.answer).status).toBe(200);
    });
  });

  it('an entity is dropped, and a property purged, in the same way', async () => {
    await tenant.define('gone', document({ title: { type: 'string' }, stars: { type: 'integer' } }));
    await store(admin, 'gone', [{ title: 'a', stars: 1 }]);
    await change(admin, 'gone', NOTE, ['destructive']);
    for (const [statement, request, done] of [
      [/drop column .*stars/, () => admin('post', '/entities/gone/retained/stars/purge'), 204],
      [/^lock table .*"gone"/, () => admin('delete', '/entities/gone?allow=destructive'), 204],
    ] as const) {
      await during('gone', 'select from @', async (close) => {
        const waiting = sent(request());
        await until(() => attempts(statement) >= 3);
        expect(await contents(admin, 'gone')).toEqual([{ title: 'a' }]);
        expect(waiting.isAnswered).toBe(false);
        await close();
        expect((await waiting.answer).status).toBe(done);
      });
    }
  });
});

describe('behind a writer that does not come to its end', () => {
  it('a new relation to its table waits in turns, and everybody else goes on', async () => {
    await tenant.define('target', document({ code: { type: 'integer', unique: true } }));
    const [id] = await store(admin, 'target', [{ code: 1 }]);
    const source = document({ to: { type: 'integer', relation: { entity: 'target', field: 'code' } } });
    await during('target', `update @ set revision = revision where id = '${id}'`, async (close) => {
      const defining = sent(admin('put', '/entities/source').send(source));
      await until(() => attempts(/foreign key .*"target"/) >= 3);
      expect((await admin('post', '/records/target').send({ code: 2 })).status).toBe(201);
      expect(defining.isAnswered).toBe(false);
      await close();
      expect((await defining.answer).status).toBe(201);
    });
    expect(refusal(await admin('post', '/records/source').send({ to: 9 }))).toBe('409 record/reference-missing');
  });
});
