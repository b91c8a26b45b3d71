/** Many writers at once, and many records in one request: exactly one wins, and all or nothing is stored. */

import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as('editor');
  const properties = { number: { type: 'integer', unique: true }, text: { type: 'string', maxLength: 100 } };
  await tenant.define('item', { type: 'object', additionalProperties: false, properties });
  await tenant.define('strict', { type: 'object', concurrency: 'required', properties });
});

afterAll(() => test.stop());

const insert = async (entity: string, record: object = {}) =>
  (await call('post', `/records/${entity}`).send(record).expect(201)).body;
const tally = (values: readonly unknown[]) =>
  Object.fromEntries([...new Set(values)].sort().map((value) => [value, values.filter((each) => each === value).length]));
const countOf = async (entity: string): Promise<number> =>
  Number((await call('get', `/records/${entity}?limit=0`).set('prefer', 'count=exact')).headers['content-range']?.split('/')[1]);

describe('preconditions', () => {
  it('of 100 patches with one If-Match exactly one wins, and 99 are told', async () => {
    const { id } = await insert('item', { text: 'start' });
    const answers = await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        call('patch', `/records/item/${id}`)
          .set('if-match', '"1"')
          .send({ text: `${i}` }),
      ),
    );
    expect(tally(answers.map(({ status }) => status))).toEqual({ 200: 1, 412: 99 });
    const [winner] = answers.filter(({ status }) => status === 200);
    expect((await call('get', `/records/item/${id}`)).body).toEqual(winner?.body);
    expect(refusal(answers.find(({ status }) => status === 412)!)).toBe('412 record/precondition-failed');
    const { rows } = await test.database.admin(
      "select count(*)::int as n from audit.events where record_id = $1 and action = 'record.updated'",
      [id],
    );
    expect(rows).toEqual([{ n: 1 }]);
  });

  it('lose no update when every writer repeats what was lost', async () => {
    const { id } = await insert('item', { text: '0' });
    const add = async (): Promise<void> => {
      for (;;) {
        const { body, headers } = await call('get', `/records/item/${id}`);
        const change = { text: String(Number(body.text) + 1) };
        const { status } = await call('patch', `/records/item/${id}`)
          .set('if-match', headers.etag as string)
          .send(change);
        if (status === 200) return;
        expect(status).toBe(412);
      }
    };
    await Promise.all(Array.from({ length: 10 }, add));
    expect((await call('get', `/records/item/${id}`)).body).toMatchObject({ text: '10', revision: 11 });
  });

  it('compare with the revision: any of a list, * for whatever is there, weak tags never, the wrong form not at all', async () => {
    const { id } = await insert('item');
    const path = `/records/item/${id}`;
    const patch = (tag: string) => call('patch', path).set('if-match', tag).send({});
    for (const tag of ['"2"', 'W/"1"', '"0", "2"']) expect(refusal(await patch(tag))).toBe('412 record/precondition-failed');
    for (const tag of ['1', 'abc', '"a"', '"1" "2"', '', '"1"; drop', '"99999999999999999999"']) {
      expect([tag, refusal(await patch(tag))]).toEqual([tag, '400 request/invalid-header']);
    }
    expect((await patch('"0", "1"')).headers.etag).toBe('"2"');
    expect((await patch('*')).headers.etag).toBe('"3"');
    expect(refusal(await call('put', path).set('if-match', '"2"').send({}))).toBe('412 record/precondition-failed');
    expect(refusal(await call('delete', path).set('if-match', '"2"'))).toBe('412 record/precondition-failed');
    expect(refusal(await call('patch', '/records/item/00000000-0000-7000-8000-000000000000').set('if-match', '*').send({}))).toBe(
      '404 record/not-found',
    );
    expect((await call('delete', path).set('if-match', '"3"')).status).toBe(204);
  });

  it('are demanded where the entity says so, for changes and not for inserts', async () => {
    const { id } = await insert('strict', { text: 'a' });
    const path = `/records/strict/${id}`;
    for (const answer of [await call('put', path).send({}), await call('patch', path).send({}), await call('delete', path)]) {
      expect(refusal(answer)).toBe('428 record/precondition-required');
    }
    expect((await call('patch', path).set('if-match', '"1"').send({ text: 'b' })).body).toMatchObject({ text: 'b', revision: 2 });
    expect((await call('delete', path).set('if-match', '"2"')).status).toBe(204);
  });

  it('spare a reader what has not changed', async () => {
    const { id } = await insert('item');
    const get = (tag: string) => call('get', `/records/item/${id}`).set('if-none-match', tag);
    for (const tag of ['"1"', 'W/"1"', '"7", "1"', '*']) {
      const answer = await get(tag);
      expect([answer.status, answer.text, answer.headers.etag]).toEqual([304, '', '"1"']);
    }
    for (const tag of ['"2"', 'nonsense']) expect((await get(tag)).status).toBe(200);
  });
});

describe('at once', () => {
  it('of 20 inserts with one unique value one is stored', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => call('post', '/records/item').send({ number: -1 })));
    expect(tally(answers.map(({ status }) => status))).toEqual({ 201: 1, 409: 19 });
    expect(refusal(answers.find(({ status }) => status === 409)!)).toBe('409 record/duplicate');
  });

  it('deleting and changing one record ends in one or the other', async () => {
    for (let round = 0; round < 5; round++) {
      const { id } = await insert('item');
      const [deleted, patched] = await Promise.all([
        call('delete', `/records/item/${id}`),
        call('patch', `/records/item/${id}`).send({ text: 'x' }),
      ]);
      expect(deleted.status).toBe(204);
      expect([200, 404]).toContain(patched.status);
      expect((await call('get', `/records/item/${id}`)).status).toBe(404);
    }
  });

  it('two transactions that wait for each other are both answered', async () => {
    const ids = [randomOrder(), randomOrder()];
    const answers = await Promise.all(
      ids.map((numbers) => call('post', '/records/item').send(numbers.map((number) => ({ number })))),
    );
    expect(answers.every(({ status }) => status === 201 || status === 409)).toBe(true);
    expect(answers.some(({ status }) => status === 201)).toBe(true);
  });
});

describe('many in one request', () => {
  const batch = (from: number, count = 10_000) =>
    Array.from({ length: count }, (_, i) => ({ number: from + i, text: `text of ${from + i}` }));

  it('10,000 are stored in their order, each with its audit event', async () => {
    const before = await countOf('item');
    const answer = await call('post', '/records/item').send(batch(100_000));
    expect([answer.status, answer.body.length]).toEqual([201, 10_000]);
    expect(answer.body.map(({ number }: { number: number }) => number)).toEqual(batch(100_000).map(({ number }) => number));
    expect(new Set(answer.body.map(({ id }: { id: string }) => id)).size).toBe(10_000);
    expect(await countOf('item')).toBe(before + 10_000);
    const { rows } = await test.database.admin(
      "select count(*)::int as n from audit.events where action = 'record.created' and record_id = any($1)",
      [answer.body.map(({ id }: { id: string }) => id)],
    );
    expect(rows).toEqual([{ n: 10_000 }]);
  }, 30_000);

  it.each<[string, object, string, string[]]>([
    ['the last is invalid', { text: 'x'.repeat(101) }, '422 record/invalid', ['/9999/text maxLength']],
    ['the last is there already', { number: 200_000 }, '409 record/duplicate', ['/number unique']],
  ])(
    '10,000 are refused and none is stored when %s',
    async (_, last, answer, faults) => {
      const before = await countOf('item');
      const { rows: events } = await test.database.admin('select count(*)::int as n from audit.events');
      const refused = await call('post', '/records/item').send([...batch(200_000, 9_999), last]);
      expect([refusal(refused), faultsOf(refused)]).toEqual([answer, faults]);
      expect(await countOf('item')).toBe(before);
      expect((await test.database.admin('select count(*)::int as n from audit.events')).rows).toEqual(events);
    },
    30_000,
  );

  it('of 10,000 wrong ones a hundred faults are told', async () => {
    const refused = await call('post', '/records/item').send(Array.from({ length: 10_000 }, () => ({ text: 1 })));
    expect([refusal(refused), refused.body.errors.length]).toEqual(['422 record/invalid', 100]);
  });
});

function randomOrder(): number[] {
  return Array.from({ length: 50 }, (_, i) => 500_000 + i).sort(() => Math.random() - 0.5);
}
