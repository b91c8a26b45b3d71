/** What stands in the way of each kind of change: told with the ids of the records, and nothing is changed. */

import { document, planOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { artist, integer, open, TITLE, text } from './change-case.js';

let test: TestService;
let tenant: TestTenant;
let admin: Awaited<ReturnType<TestTenant['as']>>;
let entities = 0;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
  await tenant.define('artist', document({ number: { type: 'integer', unique: true } }));
  await store(admin, 'artist', [{ number: 1 }, { number: 2 }]);
});

afterAll(() => test.stop());

interface Refused {
  readonly before: object;
  readonly records: readonly object[];
  readonly after: object;
  /** Which of the records stand in the way. */
  readonly inTheWay: readonly number[];
}

describe('a change is refused, with the ids of the records in its way, when', () => {
  it.each<[string, Refused]>([
    [
      'a text is no integer that reads back the same',
      {
        before: document({ code: text() }),
        records: [{ code: '7' }, { code: '007' }, {}, { code: '-1' }, { code: ' 1' }],
        after: document({ code: integer() }),
        inTheWay: [1, 4],
      },
    ],
    [
      'a number has a fraction',
      {
        before: document({ size: { type: 'number' } }),
        records: [{ size: 1 }, { size: 1.5 }],
        after: document({ size: integer() }),
        inTheWay: [1],
      },
    ],
    [
      'what becomes required is missing',
      {
        before: document({ ...TITLE, stars: integer() }),
        records: [{ stars: 1 }, {}, {}],
        after: document({ ...TITLE, stars: integer() }, { required: ['stars'] }),
        inTheWay: [1, 2],
      },
    ],
    [
      'a required property is new and has no default',
      { before: document(TITLE), records: [{}], after: document({ ...TITLE, a: text() }, { required: ['a'] }), inTheWay: [0] },
    ],
    [
      'a value is null that may not be any more',
      {
        before: document({ stars: { type: ['integer', 'null'] } }),
        records: [{ stars: null }, {}, { stars: 1 }],
        after: document({ stars: integer() }),
        inTheWay: [0],
      },
    ],
    [
      'a value has left the enum',
      {
        before: document({ kind: text({ enum: ['a', 'b'] }) }),
        records: [{ kind: 'a' }, { kind: 'b' }],
        after: document({ kind: text({ enum: ['b', 'c'] }) }),
        inTheWay: [0],
      },
    ],
    [
      'a text is too long',
      {
        before: document(TITLE),
        records: [{ title: 'abc' }, { title: 'ab' }, { title: '😀😀😀' }],
        after: document({ title: text({ maxLength: 2 }) }),
        inTheWay: [0, 2],
      },
    ],
    [
      'a number is out of bounds',
      {
        before: document({ size: integer() }),
        records: [{ size: 0 }, { size: 11 }, { size: 5 }],
        after: document({ size: integer({ minimum: 1, maximum: 10 }) }),
        inTheWay: [0, 1],
      },
    ],
    [
      'two records have what becomes unique',
      {
        before: document(TITLE),
        records: [{ title: 'a' }, { title: 'b' }, { title: 'a' }, {}, {}],
        after: document({ title: text({ unique: true }) }),
        inTheWay: [0, 2],
      },
    ],
    [
      'two records have what becomes unique together',
      {
        before: document({ a: text(), b: integer() }),
        records: [{ a: 'x', b: 1 }, { a: 'x', b: 2 }, { a: 'x', b: 1 }, { a: 'x' }],
        after: document({ a: text(), b: integer() }, { uniqueKeys: [['a', 'b']] }),
        inTheWay: [0, 2],
      },
    ],
    [
      'a value points at nothing',
      {
        before: document({ by: integer() }),
        records: [{ by: 1 }, { by: 9 }, {}],
        after: document({ by: artist() }),
        inTheWay: [1],
      },
    ],
    [
      'a record holds undeclared members that are no longer welcome',
      { before: open(TITLE), records: [{ title: 'a' }, { color: 'red' }], after: document(TITLE), inTheWay: [1] },
    ],
    [
      'an undeclared member is not of the type it is declared with',
      {
        before: open(TITLE),
        records: [{ color: 'red' }, { color: 1 }, { color: null }, {}],
        after: open({ ...TITLE, color: text() }),
        inTheWay: [1, 2],
      },
    ],
    [
      'a value does not match the new pattern, which only validation knows',
      {
        before: document(TITLE),
        records: [{ title: 'abc' }, { title: 'bcd' }, {}],
        after: document({ title: text({ pattern: '^a' }) }),
        inTheWay: [1],
      },
    ],
    [
      'a nested value breaks a rule, which only validation knows',
      {
        before: document({ place: { type: 'object', properties: { zip: text() } } }),
        records: [{ place: { zip: '1' } }, { place: { zip: 'x' } }],
        after: document({ place: { type: 'object', properties: { zip: text({ pattern: '^\\d$' }) } } }),
        inTheWay: [1],
      },
    ],
  ])('%s', async (_, { before, records, after, inTheWay }) => {
    const name = `refused${++entities}`;
    await tenant.define(name, before);
    const ids = await store(admin, name, records);
    const was = (await admin('get', `/records/${name}?order=id`)).body;
    const plan = await planOf(admin, name, after);
    const found = plan.operations.flatMap(({ failing }) => failing);
    expect(plan.possible).toBe(false);
    expect([...new Set(found.flatMap(({ sample }) => sample))].sort()).toEqual(inTheWay.map((index) => ids[index]).sort());
    expect(found.every(({ message, wayOut }) => message.length > 10 && wayOut.length > 10)).toBe(true);
    expect(found.reduce((sum, { rows }) => sum + rows, 0)).toBe(inTheWay.length);
    const answer = await admin('post', `/entities/${name}/apply`).send({
      ...{ document: after, hash: plan.hash, allow: ['destructive', 'blocking'] },
    });
    expect(refusal(answer)).toBe('409 entity/plan-impossible');
    expect(answer.body.failing.length).toBe(found.length);
    expect((await admin('get', `/entities/${name}`)).body).toMatchObject({ version: 1, document: before });
    expect((await admin('get', `/records/${name}?order=id`)).body).toEqual(was);
  });
});
