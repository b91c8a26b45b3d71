/** Readers and writers while versions change under them: each request is answered wholly by one version, and none by a fault. */

import { setTimeout as pause } from 'node:timers/promises';
import supertest from 'supertest';
import type { RunningService } from '../../src/start.js';
import { type Call, change, contentOf, contents, document, driftOf } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

let test: TestService;
let second: RunningService;
let tenant: TestTenant;
let calls: readonly [Call, Call];

beforeAll(async () => {
  test = await startTestService();
  second = await test.another();
  tenant = await test.tenant();
  const token = await test.token(['admin'], tenant.id);
  const there = (method: Method, path: string) =>
    supertest(second.url)[method](`/api/v1/tenants/${tenant.id}${path}`).set('authorization', `Bearer ${token}`);
  calls = [await tenant.as(), there];
});

afterAll(async () => {
  await second.stop();
  await test.stop();
});

const FUTURE = new Date(Date.now() + 3_600_000).toISOString();
const CHANGES = 24;

/** The versions take turns: a property under two names, of three types, with another that comes and goes. */
const TYPES = ['integer', 'string', 'number'];
const NAMES = ['stars', 'rating'] as const;
function version(i: number): object {
  const [name, former] = i % 2 === 0 ? NAMES : [NAMES[1], NAMES[0]];
  const type = TYPES[i % 3];
  const extra = i % 4 === 0 ? { note: { type: 'string' } } : {};
  return document(
    { title: { type: 'string' }, [name]: { type: [type, 'null'], renamedFrom: former, aliasUntil: FUTURE }, ...extra },
    { required: ['title', name] },
  );
}

/** Such as `rating,title`: what tells one version's records from another's. */
const shapeOf = (record: Record<string, unknown>): string =>
  [...Object.keys(contentOf(record)), typeof (record.stars ?? record.rating)].sort().join();
const SHAPES = /^(number|string),(stars|rating),title$|^(rating|stars),(number|string),title$/;

describe('while versions change', () => {
  it('no request fails, no answer mixes two versions, and what was acknowledged is there', async () => {
    const [here] = calls;
    await tenant.define('track', version(0));
    const failures: string[] = [];
    const stored = new Map<string, number>();
    let running = true;
    let reads = 0;
    const note = (what: string, { status, text }: { status: number; text: string }) =>
      failures.push(`${what}: ${status} ${text.slice(0, 300)}`);

    const reader = async (call: Call): Promise<void> => {
      while (running) {
        const list = await call('get', '/records/track?limit=50');
        if (list.status !== 200) note('list', list);
        else {
          const shapes = new Set<string>(list.body.map(shapeOf));
          if (shapes.size > 1 || [...shapes].some((shape) => !SHAPES.test(shape)))
            failures.push(`mixed: ${[...shapes].join(' | ')}`);
          const [first] = list.body;
          const one = first && (await call('get', `/records/track/${first.id}`));
          if (one && (one.status !== 200 || !SHAPES.test(shapeOf(one.body)))) note('get', one);
        }
        reads++;
      }
    };
    /** Knows one name and one type; when its type is not the one in force, that is told, and the other is tried. */
    const writer = async (call: Call, name: string, client: number): Promise<void> => {
      for (let n = 0; running; n++) {
        const value = client * 100_000 + n;
        const title = `t${value}`;
        for (let attempt = 0; ; attempt++) {
          const body = { title, [name]: attempt % 2 === 0 ? value : String(value) };
          const request = n % 3 === 0 ? [body] : body;
          const answer = await call('post', '/records/track').send(request as object);
          if (answer.status === 201) {
            const record = [answer.body].flat()[0];
            if (!SHAPES.test(shapeOf(record)) || Number(record.stars ?? record.rating) !== value) note('insert', answer);
            stored.set(record.id, value);
            const changed = await call('patch', `/records/track/${record.id}`).send({ title: `${title}!` });
            if (changed.status !== 200 || Number(changed.body.stars ?? changed.body.rating) !== value) note('patch', changed);
            break;
          }
          const isTold = answer.status === 422 && answer.body.errors.every(({ rule }: { rule: string }) => rule === 'type');
          if (!isTold) {
            note('insert', answer);
            break;
          }
        }
      }
    };
    const clients = [
      ...calls.map(reader),
      ...calls.flatMap((call, at) => NAMES.map((name, i) => writer(call, name, at * 2 + i + 1))),
    ];
    for (let i = 1; i <= CHANGES; i++) {
      await change(calls[i % 2] as Call, 'track', version(i), ['destructive', 'drop:note']);
      await pause(20);
    }
    running = false;
    await Promise.all(clients);
    expect(failures).toEqual([]);
    expect([reads > CHANGES, stored.size > CHANGES]).toEqual([true, true]);
    const records = await contents(here, 'track', `&limit=1000`);
    expect(records.length).toBe(stored.size);
    const values = records.map((record) => Number(record.stars ?? record.rating)).sort();
    expect(values).toEqual([...stored.values()].sort());
    expect((await here('get', '/entities/track')).body.version).toBe(CHANGES + 1);
    expect(await driftOf(here, 'track')).toEqual([]);
  });
});

describe('an instance that has not heard that a change is being prepared', () => {
  it('keeps in step with it all the same, and refuses only what does not fit', async () => {
    const [here, there] = calls;
    await tenant.define('prepared', document({ stars: { type: 'integer' } }));
    for (const call of calls) await call('get', '/records/prepared');
    // As it is prepared, but without a word to anybody.
    const table = `"${tenant.schemaName}".prepared`;
    await test.database.admin(`
      begin;
      alter table ${table} add column "stars~new" text;
      alter table ${table} add constraint "prepared.stars.type.check~new" check ("stars~new" is not distinct from stars::text);
      alter table ${table} add constraint "prepared.stars.range.check~new" check (stars < 10);
      update business_store_service.tenant_schemas
      set transition = '{"changeId":"x","shadows":[{"property":"stars","column":"stars~new","type":"text"}]}'
      where name = 'prepared';
      commit`);
    const stored = await there('post', '/records/prepared').send({ stars: 5 });
    expect([stored.status, stored.body.stars]).toEqual([201, 5]);
    const patched = await here('patch', `/records/prepared/${stored.body.id}`).send({ stars: 6 });
    expect([patched.status, patched.body.stars]).toEqual([200, 6]);
    for (const call of calls) {
      expect(refusal(await call('post', '/records/prepared').send({ stars: 10 }))).toBe('409 entity/change-in-progress');
    }
    expect((await test.database.admin(`select "stars~new" as made from ${table}`)).rows).toEqual([{ made: '6' }]);
  });
});
