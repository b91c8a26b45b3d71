/** What the scopes of an API key leave of what its roles may: on every route, and in what a query string reaches beyond the path. */

import supertest from 'supertest';
import { OPERATIONS, type Operation, ruleOf } from '../../src/access/operations.js';
import type { DeclaredRoute } from '../../src/http/assert-operations.js';
import { uuidV7 } from '../../src/platform/uuid.js';
import { refusal } from '../harness/problem.js';
import { watchRoutes } from '../harness/routes.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

const FORBIDDEN = '403 auth/forbidden';

const routes = watchRoutes();
let declared: DeclaredRoute[];
let test: TestService;
let tenant: TestTenant;
let admin: Awaited<ReturnType<TestTenant['as']>>;
/** Of the first book, and of what it has. */
let ids: Readonly<Record<'author' | 'book' | 'shelf', string>>;

beforeAll(async () => {
  test = await startTestService();
  declared = await routes.declared();
  tenant = await test.tenant();
  admin = await tenant.as();
  const closed = (properties: object) => ({ type: 'object', additionalProperties: false, properties });
  const to = (entity: string) => ({ type: 'string', format: 'uuid', relation: { entity } });
  await tenant.define('author', closed({ name: { type: 'string' }, mentor: to('author') }));
  await tenant.define('book', closed({ title: { type: 'string', unique: true }, author: to('author') }));
  await tenant.define('shelf', closed({ place: { type: 'string' } }));
  await tenant.define('standing', { ...closed({ book: to('book'), shelf: to('shelf') }), uniqueKeys: [['book', 'shelf']] });
  const created = async (entity: string, body: object): Promise<string> =>
    (await admin('post', `/records/${entity}`).send(body).expect(201)).body.id;
  const author = await created('author', { name: 'Ada' });
  const book = await created('book', { title: 'first', author });
  const shelf = await created('shelf', { place: 'attic' });
  await created('standing', { book, shelf });
  ids = { author, book, shelf };
});

afterAll(async () => {
  await test.stop();
  jest.restoreAllMocks();
});

type Call = (method: Method, path: string) => supertest.Test;

async function keyWith(scopes: readonly string[] | null, roles = ['admin', 'auditor']): Promise<Call> {
  const { body, status, text } = await admin('post', '/api-keys').send({ name: 'scoped', roles, scopes });
  if (status !== 201) throw new Error(`${status} ${text}`);
  return (method, path) => supertest(test.service.url)[method](path).set('x-api-key', body.key);
}

/** A request to every route of tenants, for the book. */
function requests(): { method: Method; path: string; operation: Operation; entity: string | null }[] {
  return declared
    .filter(({ operation }) => ruleOf(operation as Operation).scope === 'tenant')
    .map(({ method, path, operation }) => ({
      method: method.toLowerCase() as Method,
      path: path.replace(':tenantId', tenant.id).replace(':entity', 'book').replace(/:\w+/g, uuidV7()),
      operation: operation as Operation,
      entity: path.includes(':entity') ? 'book' : null,
    }));
}

const isForbidden = (answer: supertest.Response): boolean => {
  const { type, code } = answer.body ?? {};
  return answer.status === 403 && (type === 'urn:bss:problem:auth/forbidden' || code === '42501');
};

const base = (): string => `/api/v1/tenants/${tenant.id}/records`;

describe('a key with scopes', () => {
  it('is refused on every route whose operation no scope names', async () => {
    const call = await keyWith(['openapi.read']);
    const passed: string[] = [];
    for (const { method, path, operation } of requests()) {
      if (operation === 'openapi.read') continue;
      if (!isForbidden(await call(method, path).send({}))) passed.push(`${method} ${path}`);
    }
    expect(passed).toEqual([]);
    expect(requests().length).toBeGreaterThan(35);
  });

  it('for another entity is refused on every route there is for this one', async () => {
    const narrowable = (Object.keys(OPERATIONS) as Operation[]).filter((operation) => ruleOf(operation).ofEntity);
    const call = await keyWith(narrowable.map((operation) => `${operation}:author`));
    const passed: string[] = [];
    for (const { method, path } of requests()) {
      if (!isForbidden(await call(method, path).send({}))) passed.push(`${method} ${path}`);
    }
    expect(passed).toEqual([]);
    expect(narrowable.length).toBeGreaterThan(8);
  });

  it('passes exactly the routes of the operation that its scope names, for the entity that it names', async () => {
    for (const operation of Object.keys(OPERATIONS) as Operation[]) {
      const { scope, notForKeys, ofEntity } = ruleOf(operation);
      if (scope !== 'tenant' || notForKeys) continue;
      // A body that no route takes: nothing is changed, and whoever is let in is told that it is wrong.
      const whole = await keyWith([operation]);
      const narrow = ofEntity ? await keyWith([`${operation}:book`]) : null;
      for (const request of requests().filter((each) => each.operation === operation && each.method !== 'delete')) {
        const sent = (call: Call) => call(request.method, request.path).send('"nothing"').type('json');
        expect([request, isForbidden(await sent(whole))]).toEqual([request, putsByKey(request)]);
        if (narrow)
          expect([request, isForbidden(await sent(narrow))]).toEqual([request, putsByKey(request) || request.entity === null]);
      }
    }
  });

  it('is told by the session and the OpenAPI document what is left, and no more', async () => {
    const call = await keyWith(['records.read:book', 'records.create', 'openapi.read']);
    const { body } = await call('get', '/api/v1/session');
    expect(body.permissions).toEqual(['session.read', 'records.read:book', 'records.create', 'openapi.read']);
    expect(body.apiKey.scopes).toEqual(['records.read:book', 'records.create', 'openapi.read']);
    const document = (await call('get', `/api/v1/tenants/${tenant.id}/openapi.json`)).body;
    expect(
      Object.keys(document.paths['/records/book'])
        .filter((each) => each !== 'parameters')
        .sort(),
    ).toEqual(['get', 'post']);
    expect(Object.keys(document.paths['/records/author']).filter((each) => each !== 'parameters')).toEqual(['post']);
  });
});

describe('a key that may read one entity', () => {
  it.each([
    ['embeds another', 'book?select=title,author(name)'],
    ['embeds another for nothing but its presence', 'book?select=title,author!inner()'],
    ['spreads another', 'book?select=title,...author(name)'],
    ['filters by another', 'book?select=title,author()&author=not.is.null'],
    ['sorts by another', 'book?select=title,author()&order=author(name)'],
    ['embeds what refers to it', 'book?select=title,standing(id)'],
    ['embeds through a junction', 'book?select=title,shelf(place)'],
    ['comes back to itself by way of another', 'book?select=author(book(title))'],
    ['counts another', 'book?select=title,standing(count())'],
  ])('is refused when it %s', async (_name, path) => {
    const call = await keyWith(['records.read:book', 'records.read:shelf']);
    const full = await admin('get', `/records/${path}`);
    expect([path, full.status]).toEqual([path, 200]);
    // Twice: what is remembered of the query of another is no way around.
    for (let n = 0; n < 2; n++) {
      expect(refusal(await call('get', `${base()}/${path}`))).toBe(FORBIDDEN);
      expect((await call('get', `/rest/v1/${path}`)).body.code).toBe('42501');
    }
    const everything = await keyWith(['records.read']);
    expect((await everything('get', `${base()}/${path}`)).body).toEqual(full.body);
  });

  it('reads it, and what else its scopes name, and its refusals are in the trail', async () => {
    const both = await keyWith(['records.read:book', 'records.read:author']);
    expect((await both('get', `${base()}/book?select=title,author(name,mentor(name))`)).body).toEqual([
      { title: 'first', author: { name: 'Ada', mentor: null } },
    ]);
    expect((await both('get', `${base()}/book/${ids.book}`)).status).toBe(200);
    expect((await both('get', `${base()}/book?title=eq.first&order=title`)).body).toHaveLength(1);
    expect(refusal(await both('get', `${base()}/book?select=standing(id)`).set('x-request-id', 'beyond'))).toBe(FORBIDDEN);
    const [event] = (await admin('get', '/audit?action=access.denied&limit=1')).body.items;
    expect(event).toMatchObject({ requestId: 'beyond', detail: { operation: 'records.read' } });
  });
});

describe('a key that may write', () => {
  const asked = 'return=representation';

  it('is refused when its answer would hold what it may not read', async () => {
    const call = await keyWith(['records.create:book', 'records.update:book', 'records.delete:book']);
    const embed = 'select=title,author(name)';
    const attempts = [
      call('post', `${base()}/book?${embed}`).set('prefer', asked).send({ title: 'new', author: ids.author }),
      call('patch', `${base()}/book?title=eq.first&${embed}`).set('prefer', asked).send({ title: 'second' }),
      call('patch', `${base()}/book?author=not.is.null&${embed}`).send({ title: 'second' }),
      call('delete', `${base()}/book?title=eq.first&${embed}`).set('prefer', asked),
    ];
    for (const attempt of attempts) expect(refusal(await attempt)).toBe(FORBIDDEN);
    const titles = (await admin('get', '/records/book?select=title')).body;
    expect(titles).toEqual([{ title: 'first' }]);
  });

  it('is refused when its answer would lead back to other records of the entity', async () => {
    const call = await keyWith(['records.create:author']);
    const back = call('post', `${base()}/author?select=name,mentor(name)`).set('prefer', asked);
    expect(refusal(await back.send({ name: 'Bob', mentor: ids.author }))).toBe(FORBIDDEN);
  });

  it('is refused to change by a key of the records what it may only create, and to create what it may only change', async () => {
    const creates = await keyWith(['records.create:book']);
    const merge = (call: Call) =>
      call('post', `${base()}/book?on_conflict=title`).set('prefer', 'resolution=merge-duplicates').send({ title: 'first' });
    expect(refusal(await merge(creates))).toBe(FORBIDDEN);
    const ignore = creates('post', `${base()}/book?on_conflict=title`).set('prefer', 'resolution=ignore-duplicates');
    expect((await ignore.send({ title: 'first' })).status).toBeLessThan(300);
    const changes = await keyWith(['records.update:book']);
    const put = (call: Call) => call('put', `${base()}/book?title=eq.fresh`).send({ title: 'fresh' });
    expect(refusal(await put(changes))).toBe(FORBIDDEN);
    expect((await changes('put', '/rest/v1/book?title=eq.fresh').send({ title: 'fresh' })).body.code).toBe('42501');
    expect((await admin('get', '/records/book?select=title,author')).body).toEqual([{ title: 'first', author: ids.author }]);

    const both = await keyWith(['records.create:book', 'records.update:book']);
    expect((await merge(both)).status).toBe(200);
    expect((await put(both)).status).toBe(201);
  });
});

/** PUT by a key of the records changes and creates, so that one scope alone is not enough. */
function putsByKey({ method, path }: { method: Method; path: string }): boolean {
  return method === 'put' && path.endsWith('/book') && !path.includes('/entities/');
}
