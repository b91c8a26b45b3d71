/** Writers that have not heard of a rename: for a while what they send under the old name lands under the new one. */

import { setTimeout as pause } from 'node:timers/promises';
import { type Call, change, contentOf, contents, document, planOf, store } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(() => test.stop());

const inSeconds = (seconds: number): string => new Date(Date.now() + seconds * 1_000).toISOString();
const HOUR = inSeconds(3_600);
const TITLE = { title: { type: 'string' } };
const STARS = { stars: { type: ['integer', 'null'], minimum: 1 } };
const rating = (aliasUntil: string, words: object = {}) => ({
  rating: { ...STARS.stars, renamedFrom: 'stars', aliasUntil, ...words },
});
const renamed = (aliasUntil: string, rest: object = {}) => document({ ...TITLE, ...rating(aliasUntil) }, rest);

/** An entity whose `stars` were renamed to `rating`, with one record. */
async function entity(name: string, aliasUntil = HOUR, rest: object = {}): Promise<string> {
  await tenant.define(name, document({ ...TITLE, ...STARS }, rest));
  const [id] = await store(admin, name, [{ title: 'a', stars: 1 }]);
  const required = (rest as { required?: string[] }).required?.map((each) => (each === 'stars' ? 'rating' : each));
  await change(admin, name, renamed(aliasUntil, { ...rest, ...(required && { required }) }));
  return id as string;
}

describe('an alias is refused', () => {
  it('without a former name, with a time that is none, and for a name that is still there', async () => {
    for (const [properties, fault] of [
      [{ a: { type: 'string', aliasUntil: HOUR } }, '/properties/a/aliasUntil aliasUntil'],
      [{ a: { type: 'string', renamedFrom: 'b', aliasUntil: 1 } }, '/properties/a/aliasUntil type'],
      [
        { a: { type: 'string', renamedFrom: 'b', aliasUntil: HOUR }, b: { type: 'string' } },
        '/properties/a/renamedFrom renamedFrom',
      ],
    ] as const) {
      const refused = await admin('post', '/entities/faulty/plan').send(document(properties));
      expect([refusal(refused), faultsOf(refused)]).toEqual(['422 entity/invalid-document', [fault]]);
    }
  });

  it('to a writer who sends both names with different values, by its place', async () => {
    const id = await entity('torn');
    const both = { stars: 1, rating: 2 };
    for (const [answer, place] of [
      [await admin('post', '/records/torn').send(both), '/stars'],
      [await admin('post', '/records/torn').send([{}, both]), '/1/stars'],
      [await admin('put', `/records/torn/${id}`).send(both), '/stars'],
      [await admin('patch', `/records/torn/${id}`).send(both), '/stars'],
      [await admin('patch', `/records/torn/${id}`).send({ stars: null, rating: 2 }), '/stars'],
    ] as const) {
      expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', [`${place} renamedFrom`]]);
    }
    expect((await admin('patch', `/records/torn/${id}`).send({ stars: 5, rating: 5 })).body.rating).toBe(5);
  });

  it('to readers: they ask for what there is', async () => {
    await entity('read');
    for (const query of ['stars=eq.1', 'select=stars', 'order=stars']) {
      expect(refusal(await admin('get', `/records/read?${query}`))).toBe('400 request/invalid-query');
    }
  });

  it('for a value that breaks the rules, which are told under the name there is', async () => {
    const id = await entity('ruled');
    expect(faultsOf(await admin('post', '/records/ruled').send({ stars: 0 }))).toEqual(['/rating minimum']);
    expect(faultsOf(await admin('patch', `/records/ruled/${id}`).send({ stars: 'x' }))).toEqual(['/rating type']);
  });
});

describe('while an alias is open, what is sent under the old name', () => {
  it('is stored under the new one, on every way there is to write', async () => {
    const id = await entity('ways');
    const written = async (answer: Promise<{ status: number; body: Record<string, unknown> }>) => {
      const { status, body } = await answer;
      return [status, contentOf(body)];
    };
    expect(await written(admin('post', '/records/ways').send({ title: 'b', stars: 2 }))).toEqual([
      201,
      { title: 'b', rating: 2 },
    ]);
    const bulk = await admin('post', '/records/ways').send([{ stars: 3 }, { rating: 4 }, {}]);
    expect(bulk.body.map(contentOf)).toEqual([{ rating: 3 }, { rating: 4 }, {}]);
    expect(await written(admin('put', `/records/ways/${id}`).send({ title: 'a', stars: 5 }))).toEqual([
      200,
      { title: 'a', rating: 5 },
    ]);
    expect(await written(admin('put', `/records/ways/${id}`).send({ stars: null }))).toEqual([200, { rating: null }]);
    expect(await written(admin('patch', `/records/ways/${id}`).send({ stars: 6 }))).toEqual([200, { rating: 6 }]);
    // A merge patch removes what is optional.
    expect(await written(admin('patch', `/records/ways/${id}`).send({ stars: null }))).toEqual([200, {}]);
    expect((await contents(admin, 'ways', '&rating=eq.3')).length).toBe(1);
    const [event] = (await admin('get', `/audit?entity=ways&recordId=${id}&limit=1`)).body.items;
    expect([event.before, event.after]).toEqual([{ rating: 6 }, {}]);
  });

  it('satisfies what is required, and null empties what may be null', async () => {
    const id = await entity('must', HOUR, { required: ['stars'] });
    expect(faultsOf(await admin('post', '/records/must').send({ title: 'b' }))).toEqual(['/rating required']);
    expect((await admin('post', '/records/must').send({ stars: 2 })).status).toBe(201);
    expect((await admin('patch', `/records/must/${id}`).send({ stars: null })).body.rating).toBeNull();
    expect((await admin('put', `/records/must/${id}`).send({ stars: 3 })).body.rating).toBe(3);
  });

  it('is not an undeclared member, even where those are kept', async () => {
    await entity('open', HOUR, { additionalProperties: true });
    await admin('post', '/records/open').send({ stars: 2, wild: true });
    expect(await contents(admin, 'open', '&rating=eq.2')).toEqual([{ rating: 2, wild: true }]);
  });

  it('is held to what the property may not: be changed once it is set', async () => {
    await tenant.define('fixed', document({ ...TITLE, stars: { ...STARS.stars, immutable: true } }));
    const [id] = await store(admin, 'fixed', [{ stars: 1 }]);
    await change(admin, 'fixed', document({ ...TITLE, ...rating(HOUR, { immutable: true }) }));
    for (const method of ['put', 'patch'] as const) {
      expect(faultsOf(await admin(method, `/records/fixed/${id}`).send({ stars: 2 }))).toEqual(['/rating immutable']);
      expect((await admin(method, `/records/fixed/${id}`).send({ title: 'b', stars: 1 })).body).toMatchObject({
        title: 'b',
        rating: 1,
      });
    }
  });

  it('replaces what is never returned, and leaves it when it is left out', async () => {
    const secret = { type: 'string', writeOnly: true };
    await tenant.define('secret', document({ ...TITLE, pin: secret }));
    const [id] = await store(admin, 'secret', [{ title: 'a', pin: '1111' }]);
    await change(admin, 'secret', document({ ...TITLE, code: { ...secret, renamedFrom: 'pin', aliasUntil: HOUR } }));
    const pinOf = async () =>
      (await test.database.admin(`select code from "${tenant.schemaName}".secret where id = $1`, [id])).rows[0].code;
    expect((await admin('put', `/records/secret/${id}`).send({ title: 'b' })).status).toBe(200);
    expect(await pinOf()).toBe('1111');
    expect((await admin('put', `/records/secret/${id}`).send({ title: 'b', pin: '2222' })).status).toBe(200);
    expect(await pinOf()).toBe('2222');
  });
});

describe('an alias', () => {
  it('is announced by the plan, and by nothing when there is none', async () => {
    await tenant.define('announced', document({ ...TITLE, ...STARS }));
    const [said, unsaid] = [
      await planOf(admin, 'announced', renamed(HOUR)),
      await planOf(admin, 'announced', document({ ...TITLE, rating: { ...STARS.stars, renamedFrom: 'stars' } })),
    ];
    expect(said.operations[0]?.description).toContain(`writers may use the old name until ${HOUR}`);
    expect(unsaid.operations[0]?.description).not.toContain('old name');
  });

  it('ends at its time: what was taken a moment ago is refused, and where undeclared members are kept it is one', async () => {
    const until = inSeconds(2);
    const id = await entity('brief', until);
    await entity('wide', until, { additionalProperties: true });
    expect((await admin('post', '/records/brief').send({ stars: 2 })).status).toBe(201);
    await pause(Date.parse(until) - Date.now() + 50);
    for (const answer of [
      await admin('post', '/records/brief').send({ stars: 2 }),
      await admin('put', `/records/brief/${id}`).send({ stars: 2 }),
      await admin('patch', `/records/brief/${id}`).send({ stars: 2 }),
    ]) {
      expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', ['/stars additionalProperties']]);
    }
    expect((await admin('patch', `/records/brief/${id}`).send({ stars: null })).body.rating).toBe(1);
    const undeclared = await admin('post', '/records/wide').send({ stars: 'anything' });
    expect([undeclared.status, contentOf(undeclared.body)]).toEqual([201, { stars: 'anything' }]);
  });

  it('is prolonged, and ended early, by another version that changes nothing else', async () => {
    const id = await entity('moved', inSeconds(-1));
    expect(refusal(await admin('patch', `/records/moved/${id}`).send({ stars: 2 }))).toBe('422 record/invalid');
    await change(admin, 'moved', renamed(HOUR));
    expect((await admin('patch', `/records/moved/${id}`).send({ stars: 2 })).body.rating).toBe(2);
    await change(admin, 'moved', document({ ...TITLE, rating: STARS.stars }));
    expect(refusal(await admin('patch', `/records/moved/${id}`).send({ stars: 3 }))).toBe('422 record/invalid');
    expect(await contents(admin, 'moved')).toEqual([{ title: 'a', rating: 2 }]);
  });

  it('holds for each of two names at once, also when they swap types', async () => {
    await tenant.define('pair', document({ a: { type: 'integer' }, b: { type: 'string' } }));
    await change(
      admin,
      'pair',
      document({
        c: { type: 'integer', renamedFrom: 'a', 'x-aliasUntil': HOUR },
        d: { type: 'string', 'x-renamedFrom': 'b', aliasUntil: HOUR },
      }),
    );
    expect(contentOf((await admin('post', '/records/pair').send({ a: 1, b: 'x' })).body)).toEqual({ c: 1, d: 'x' });
    expect(contentOf((await admin('post', '/records/pair').send({ a: 1, d: 'x' })).body)).toEqual({ c: 1, d: 'x' });
  });
});
