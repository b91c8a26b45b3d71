/** One record at a time: what is refused and where, who sets which member, what comes back, and that tenants never meet. */

import { randomUUID } from 'node:crypto';
import type { Role } from '../../src/access/principal.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService({ BODY_LIMIT_BYTES: '1000000' });
  tenant = await test.tenant();
  call = await tenant.as('editor');
  await tenant.define('note', NOTE);
  await tenant.define('open', { type: 'object', properties: { title: { type: ['string', 'null'] } } });
});

afterAll(() => test.stop());

const NOTE = {
  type: 'object',
  additionalProperties: false,
  required: ['title', 'owner'],
  properties: {
    title: { type: 'string', minLength: 1, maxLength: 10 },
    owner: { type: ['string', 'null'] },
    stars: { type: ['integer', 'null'], minimum: 0 },
    code: { type: 'string', unique: true },
    status: { type: 'string', enum: ['new', 'done'], default: 'new' },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 3 },
    place: { type: 'object', properties: { city: { type: 'string' } } },
  },
  uniqueKeys: [['title', 'stars']],
};

const SYSTEM = ['id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision'];
let serial = 0;
const note = (members: object = {}) => ({ title: `note ${++serial}`, owner: null, ...members });
const insert = async (members: object = {}) => (await call('post', '/records/note').send(note(members)).expect(201)).body;
const content = (record: Record<string, unknown>) =>
  Object.fromEntries(Object.entries(record).filter(([name]) => !SYSTEM.includes(name)));

describe('a record is refused', () => {
  it.each<[string, unknown, string[]]>([
    [
      'with every fault at once',
      { title: '', stars: -1, tags: [1, 'a', 2], colour: 'red' },
      ['/title minLength', '/owner required', '/stars minimum', '/tags/0 type', '/tags/2 type', '/colour additionalProperties'],
    ],
    ['for a nested one', note({ place: { city: 3 } }), ['/place/city type']],
    ['for null where it cannot be', { title: null, owner: null }, ['/title type']],
    ['for a number in quotes', note({ stars: '3' }), ['/stars type']],
    ['for a fraction', note({ stars: 1.5 }), ['/stars type']],
    ['that is no object', 'title', [' type']],
    ['that is null', null, [' type']],
    [
      'in an array, each by its place',
      [note(), { owner: null }, [], note({ status: 'old' })],
      ['/1/title required', '/2 type', '/3/status enum'],
    ],
  ])('%s', async (_, body, faults) => {
    const answer = await call('post', '/records/note').set('content-type', 'application/json').send(JSON.stringify(body));
    expect([refusal(answer), faultsOf(answer).sort()]).toEqual(['422 record/invalid', [...faults].sort()]);
  });

  it.each<[string, string, string]>([
    ['text that is no JSON', '{"title":', '400 request/malformed-json'],
    ['nothing', '', '400 request/malformed-json'],
    ['U+0000', '{"title":"a\\u0000"}', '400 request/unfaithful-json'],
    ['U+0000 in a name', '{"a\\u0000":1}', '400 request/unfaithful-json'],
    ['half a surrogate pair', '{"title":"\\ud83d"}', '400 request/unfaithful-json'],
    ['a member twice', '{"title":"a","title":"b"}', '400 request/unfaithful-json'],
    ['2^53 + 1', '{"stars":9007199254740993}', '400 request/unfaithful-json'],
    ['1e400', '{"stars":1e400}', '400 request/unfaithful-json'],
    ['-0', '{"stars":-0}', '400 request/unfaithful-json'],
    ['NaN', '{"stars":NaN}', '400 request/malformed-json'],
    ['__proto__', '{"__proto__":{"admin":true}}', '400 request/unfaithful-json'],
    ['more than fits', `{"title":"${'x'.repeat(1_000_001)}"}`, '413 request/too-large'],
    ['levels without end', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, '400 request/malformed-json'],
  ])('before it is read: %s', async (_, body, expected) => {
    const { id } = await insert();
    for (const [method, path] of [
      ['post', '/records/note'],
      ['put', `/records/note/${id}`],
      ['patch', `/records/note/${id}`],
    ] as const) {
      expect(refusal(await call(method, path).set('content-type', 'application/json').send(body))).toBe(expected);
    }
  });

  it.each([
    ['text/plain', 'identity'],
    ['application/xml', 'identity'],
    ['application/x-www-form-urlencoded', 'identity'],
    ['multipart/form-data; boundary=x', 'identity'],
    ['application/json', 'gzip'],
    ['application/json', 'br'],
    ['application/json', 'deflate, gzip'],
    ['application/json', 'x-unknown'],
  ])('as %s, encoded as %s', async (type, encoding) => {
    const request = call('post', '/records/note').set('content-type', type).set('content-encoding', encoding);
    expect(refusal(await request.send('{"title":"a","owner":null}'))).toBe('415 request/unsupported-media-type');
  });

  it('when its body is not UTF-8, or begins with a byte order mark', async () => {
    for (const bytes of ['7b2261223a22c0af227d', '7b2261223a22ff227d', 'efbbbf7b7d', 'fffe7b007d00']) {
      const request = call('post', '/records/note').set('content-type', 'application/json');
      expect(refusal(await request.serialize((body) => body).send(Buffer.from(bytes, 'hex')))).toBe('400 request/malformed-json');
    }
  });

  it.each<Role>(['viewer', 'auditor'])('from the role %s', async (role) => {
    const { id } = await insert();
    const reader = await tenant.as(role);
    expect(refusal(await reader('post', '/records/note').send(note()))).toBe('403 auth/forbidden');
    expect(refusal(await reader('put', `/records/note/${id}`).send(note()))).toBe('403 auth/forbidden');
    expect(refusal(await reader('patch', `/records/note/${id}`).send({}))).toBe('403 auth/forbidden');
    expect(refusal(await reader('delete', `/records/note/${id}`))).toBe('403 auth/forbidden');
    expect((await reader('get', `/records/note/${id}`)).body.revision).toBe(1);
  });

  it('when its unique value, or the values of a key together, are taken; nulls and absences never are', async () => {
    const first = await insert({ code: 'A', stars: 1 });
    const second = await insert({ code: 'B' });
    for (const answer of [
      await call('post', '/records/note').send(note({ code: 'A' })),
      await call('put', `/records/note/${second.id}`).send(note({ code: 'A' })),
      await call('patch', `/records/note/${second.id}`).send({ code: 'A' }),
    ]) {
      expect([refusal(answer), faultsOf(answer)]).toEqual(['409 record/duplicate', ['/code unique']]);
    }
    const together = await call('post', '/records/note').send(note({ title: first.title, stars: 1 }));
    expect([refusal(together), faultsOf(together)]).toEqual(['409 record/duplicate', ['/title unique', '/stars unique']]);
    await insert({ title: first.title, stars: null });
    await insert({ title: first.title });
  });
});

describe('a record', () => {
  it('is answered with its place, its tag and itself, and is read back the same', async () => {
    const answer = await call('post', '/records/note').send(note({ title: 'Ünïcødé 😀', tags: ['a', ''] }));
    const { body, headers } = answer;
    expect([answer.status, headers.etag]).toEqual([201, '"1"']);
    expect(headers.location).toBe(`/api/v1/tenants/${tenant.id}/records/note/${body.id}`);
    expect(Object.keys(body).slice(0, 6)).toEqual(SYSTEM);
    expect(content(body)).toEqual({ title: 'Ünïcødé 😀', owner: null, status: 'new', tags: ['a', ''] });
    expect(body).toMatchObject({
      created_by: 'editor@test',
      updated_by: 'editor@test',
      revision: 1,
      updated_at: body.created_at,
    });
    expect(body.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/);
    expect(body.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
    const read = await call('get', `/records/note/${body.id}`);
    expect([read.status, read.headers.etag, read.body]).toEqual([200, '"1"', body]);
    expect(JSON.stringify(body)).not.toContain('tenant_id');
  });

  it('keeps absent and null apart, through insert, replace and patch', async () => {
    const { id } = await insert({ stars: null });
    const read = async () => content((await call('get', `/records/note/${id}`)).body);
    expect(await read()).toMatchObject({ stars: null, owner: null });
    await call('put', `/records/note/${id}`).send({ title: 'x', owner: 'me' }).expect(200);
    expect(await read()).toEqual({ title: 'x', owner: 'me' });
    await call('put', `/records/note/${id}`).send({ title: 'x', owner: 'me', stars: null }).expect(200);
    expect(await read()).toEqual({ title: 'x', owner: 'me', stars: null });
    await call('patch', `/records/note/${id}`).send({ title: 'y' }).expect(200);
    expect(await read()).toEqual({ title: 'y', owner: 'me', stars: null });
  });

  it('patched with null loses what is optional, and keeps null where it is required and may be null', async () => {
    const { id } = await insert({ owner: 'me', stars: 4, code: 'P', place: { city: 'Ulm', zip: 1 } });
    const patched = await call('patch', `/records/note/${id}`)
      .set('content-type', 'application/merge-patch+json')
      .send({ owner: null, stars: null, code: null, place: { city: null }, tags: [], status: 'done' });
    expect([patched.status, patched.headers.etag]).toEqual([200, '"2"']);
    expect(content(patched.body)).toEqual({
      title: patched.body.title,
      owner: null,
      place: { zip: 1 },
      tags: [],
      status: 'done',
    });
    const refused = await call('patch', `/records/note/${id}`).send({ title: null });
    expect([refusal(refused), faultsOf(refused)]).toEqual(['422 record/invalid', ['/title required']]);
    for (const body of ['[]', '3', 'null', '"a"']) {
      const answer = await call('patch', `/records/note/${id}`).set('content-type', 'application/json').send(body);
      expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', [' type']]);
    }
  });

  it('read, edited and sent back whole is a replacement; nothing is filled in', async () => {
    const { body } = await call('get', `/records/note/${(await insert({ stars: 1 })).id}`);
    const { status: _, ...edited } = { ...body, title: 'edited' };
    const replaced = await call('put', `/records/note/${body.id}`).send(edited);
    expect(replaced.body).toEqual({ ...edited, revision: 2, updated_at: expect.any(String) });
    expect(replaced.body.updated_at > body.updated_at).toBe(true);
  });

  it('is gone after it was deleted, and is not there to be changed', async () => {
    const { id } = await insert();
    expect((await call('delete', `/records/note/${id}`)).status).toBe(204);
    for (const unknown of [id, randomUUID(), 'nonsense', `${id}'--`, '1']) {
      const path = `/records/note/${encodeURIComponent(unknown)}`;
      for (const answer of [
        await call('get', path),
        await call('delete', path),
        await call('put', path).send(note()),
        await call('patch', path).send({}),
      ]) {
        expect(refusal(answer)).toBe('404 record/not-found');
      }
    }
  });

  it('comes alone or in an array, and not at all for return=minimal', async () => {
    const many = await call('post', '/records/note').send([note(), note({ stars: 2 })]);
    expect([many.status, many.body.length, many.headers.etag, many.headers.location]).toEqual([201, 2, undefined, undefined]);
    expect((await call('post', '/records/note').send([])).body).toEqual([]);
    const minimal = await call('post', '/records/note').set('prefer', 'return=minimal').send(note());
    expect([minimal.status, minimal.text, minimal.headers['preference-applied']]).toEqual([201, '', 'return=minimal']);
    const id = minimal.headers.location?.split('/').at(-1);
    const changed = await call('patch', `/records/note/${id}`).set('prefer', 'RETURN=minimal, foo="a,b"').send({ stars: 1 });
    expect([changed.status, changed.text, changed.headers.etag]).toEqual([204, '', '"2"']);
    expect((await call('get', `/records/note/${id}`)).body.stars).toBe(1);
  });

  it('that is too many records at once is refused whole', async () => {
    const answer = await call('post', '/records/open').send(Array.from({ length: 10_001 }, () => ({})));
    expect([refusal(answer), answer.body.limit]).toEqual(['413 record/too-many', 10_000]);
  });
});
