/** Ids and values of another tenant are worth as much as invented ones: same answer, same time, nothing touched. */
import { uuidV7 } from '../../src/platform/uuid.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

const ALBUM = {
  type: 'object',
  properties: { code: { type: 'string', unique: true }, by: { type: 'string', relation: { entity: 'album', field: 'code' } } },
  additionalProperties: false,
};

let test: TestService;
let own: TestTenant;
let foreign: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
let theirs: { id: string; revision: string };

beforeAll(async () => {
  test = await startTestService();
  [own, foreign] = [await test.tenant(), await test.tenant()];
  for (const tenant of [own, foreign]) await tenant.define('album', ALBUM);
  call = await own.as();
  theirs = (await (await foreign.as())('post', '/records/album').send({ code: 'theirs' })).body;
});

afterAll(() => test.stop());

describe('an id of another tenant', () => {
  it('gets byte for byte the answer of an invented id, on every operation that takes one', async () => {
    const { body: document } = await call('get', '/openapi.json');
    const operations = Object.entries(document.paths as Record<string, Record<string, unknown>>).flatMap(([path, methods]) =>
      path.endsWith('/{id}') ? Object.keys(methods).filter((name) => /^(get|put|patch|delete)$/.test(name)) : [],
    );
    expect(operations.sort()).toEqual(['delete', 'get', 'patch', 'put']);

    for (const method of operations as Method[]) {
      for (const precondition of [undefined, '"1"', '"7"', '*']) {
        const ask = async (id: string) => {
          const request = call(method, `/records/album/${id}`).set('x-request-id', 'the-same');
          if (precondition) request.set('if-match', precondition);
          const { status, text, headers } = await (method === 'get' ? request : request.send({ code: 'mine' }));
          return { status, text, headers: { ...headers, date: null } };
        };
        const answer = await ask(theirs.id);
        expect(answer).toEqual(await ask(uuidV7()));
        expect([method, answer.status]).toEqual([method, 404]);
      }
    }
    const { body } = await (await foreign.as())('get', `/records/album/${theirs.id}`);
    expect(body).toEqual(theirs);
  });

  it('is free to be used at home: no answer tells that it is taken elsewhere', async () => {
    const taken = await call('post', '/records/album').send({ id: theirs.id, code: 'theirs' });
    expect([taken.status, taken.body.id]).toEqual([201, theirs.id]);
    expect((await call('delete', `/records/album/${theirs.id}`)).status).toBe(204);
    expect((await (await foreign.as())('get', `/records/album/${theirs.id}`)).body).toEqual(theirs);
  });

  it('makes a record of one’s own by every way of writing that names it, as often as one likes', async () => {
    const merge = 'resolution=merge-duplicates';
    const by = (path: string, body: object) => ({ path, body });
    const ways: [Method, { path: string; body: object }, string | null][] = [
      ['put', by(`/records/album?id=eq.${theirs.id}`, { id: theirs.id, code: 'theirs' }), null],
      ['post', by('/records/album?on_conflict=id', { id: theirs.id, code: 'theirs' }), merge],
      ['post', by('/records/album?on_conflict=id', { id: theirs.id, code: 'theirs' }), 'resolution=ignore-duplicates'],
      ['post', by('/records/album?on_conflict=code', { id: theirs.id, code: 'theirs' }), merge],
      ['put', by('/records/album?code=eq.theirs', { code: 'theirs' }), null],
    ];
    for (const [method, { path, body }, preference] of ways) {
      const ask = () => {
        const request = call(method, path);
        return (preference ? request.set('prefer', `${preference}, return=representation`) : request).send(body);
      };
      const made = await ask();
      expect([method, path, preference, made.status]).toEqual([method, path, preference, 201]);
      const own = (Array.isArray(made.body) ? made.body[0] : made.body) as { id: string; revision: string };
      expect((await ask()).status).toBeLessThan(300);
      expect((await call('get', `/records/album/${own.id}`)).body).toMatchObject({ code: 'theirs' });
      expect((await (await foreign.as())('get', `/records/album/${theirs.id}`)).body).toEqual(theirs);
      await call('delete', `/records/album/${own.id}`).expect(204);
    }
    expect((await (await foreign.as())('get', `/records/album/${theirs.id}`)).body).toEqual(theirs);
  });

  it('takes no longer than an invented one', async () => {
    const median = (times: number[]) => times.sort((a, b) => a - b)[times.length >> 1] as number;
    const time = async (id: string) => {
      const started = process.hrtime.bigint();
      await fetch(url(id), { headers });
      return Number(process.hrtime.bigint() - started);
    };
    const headers = { authorization: `Bearer ${await test.token(['admin'], own.id)}` };
    const url = (id: string) => `${test.service.url}/api/v1/tenants/${own.id}/records/album/${id}`;
    // Machines are noisy: it is enough to be indistinguishable once; a real difference is there every time.
    const differences: number[] = [];
    while (differences.length < 5 && !differences.some((difference) => difference < 0.05)) {
      const [of, other]: [number[], number[]] = [[], []];
      for (let i = 0; i < 200; i++) {
        of.push(await time(theirs.id));
        other.push(await time(uuidV7()));
      }
      differences.push(Math.abs(median(of) / median(other) - 1));
    }
    expect(Math.min(...differences)).toBeLessThan(0.05);
  }, 120_000);
});

describe('a value of another tenant', () => {
  it('is no key to refer to, and no duplicate', async () => {
    const [referring, inventing] = [{ by: 'theirs' }, { by: 'invented' }].map((body) =>
      call('post', '/records/album').set('x-request-id', 'the-same').send(body),
    );
    expect((await referring)?.status).toBe(409);
    expect((await referring)?.text).toBe((await inventing)?.text);
    expect((await call('post', '/records/album').send({ code: 'theirs' })).status).toBe(201);
  });

  it('does not show in counts, lists or documents', async () => {
    const album = (await call('get', '/records/album?select=code').set('prefer', 'count=exact')) as {
      headers: Record<string, string>;
    };
    expect(album.headers['content-range']).toBe('0-0/1');
    for (const path of ['/entities', '/openapi.json', '/audit']) {
      const { text } = await call('get', path);
      for (const trace of [foreign.id, foreign.slug, foreign.schemaName]) expect(text).not.toContain(trace);
    }
  });
});
