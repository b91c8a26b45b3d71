/** Defining entities: who may, what applies at once, what needs a plan, and what happens when two do it at the same time. */

import type { Role } from '../../src/access/principal.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
type Call = Awaited<ReturnType<TestTenant['as']>>;
let admin: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
});

afterAll(() => test.stop());

const NOTE = {
  type: 'object',
  additionalProperties: false,
  required: ['title'],
  properties: { title: { type: 'string', maxLength: 20 }, stars: { type: 'integer' } },
};

/** NOTE with some root keywords changed, and some properties added or replaced. */
function note(properties: object = {}, rest: object = {}) {
  return { ...NOTE, ...rest, properties: { ...NOTE.properties, ...properties } };
}

const RENAMED = {
  ...NOTE,
  properties: { title: NOTE.properties.title, rating: { type: 'integer', renamedFrom: 'stars' } },
};

const versionOf = async (name: string): Promise<number> => (await admin('get', `/entities/${name}`)).body.version;

/** Every version that is kept, not only the current one. */
async function versionsOf(name: string): Promise<number[]> {
  const { rows } = await test.database.admin(
    `select v.version
     from business_store_service.entity_versions v
     join business_store_service.tenant_schemas s using (tenant_id, entity_id)
     where s.tenant_id = $1 and s.name = $2
     order by 1`,
    [tenant.id, name],
  );
  return rows.map(({ version }) => version);
}

async function tablesOf({ schemaName }: TestTenant): Promise<string[]> {
  const { rows } = await test.database.admin('select tablename from pg_tables where schemaname = $1 order by 1', [schemaName]);
  return rows.map((row) => row.tablename);
}

describe('a definition', () => {
  it.each<Role>(['viewer', 'editor', 'auditor', 'service'])('is refused to the role %s, and leaves no table', async (role) => {
    const call = await tenant.as(role);
    expect(refusal(await call('put', '/entities/secret').send(NOTE))).toBe('403 auth/forbidden');
    expect(await tablesOf(tenant)).not.toContain('secret');
    expect(refusal(await admin('get', '/entities/secret'))).toBe('404 entity/not-found');
  });

  it('is refused to a system administrator, another tenant and nobody', async () => {
    const path = `/api/v1/tenants/${tenant.id}/entities/secret`;
    const stranger = await test.token(['admin'], (await test.tenant()).id);
    for (const [token, answer] of [
      [await test.token(['system_admin']), '403 auth/forbidden'],
      [stranger, '403 auth/tenant-mismatch'],
      [null, '401 auth/missing-credentials'],
    ] as const) {
      expect(refusal(await test.request(token, 'put', path).send(NOTE))).toBe(answer);
    }
    expect(await tablesOf(tenant)).not.toContain('secret');
  });

  it('that is no document is refused with the place of each fault, and leaves nothing', async () => {
    for (const [body, faults] of [
      [null, [' type']],
      [[], [' type']],
      [{ type: 'object', properties: { a: { type: 'strin' } } }, ['/properties/a/type anyOf']],
      [
        { type: 'object', frobnicate: 1, properties: { a: { minLength: -1 } } },
        ['/properties/a/minLength minimum', '/frobnicate unknown-keyword'],
      ],
      [{ type: 'object', properties: { a: { type: 'string', semantic: true } } }, ['/properties/a/semantic not-supported']],
      [{ type: 'object', properties: { id: { type: 'integer' } } }, ['/properties/id system-member']],
      [
        { type: 'object', properties: { a: { type: 'string', maxLength: 1, default: 'ab' } } },
        ['/properties/a/default maxLength'],
      ],
    ] as const) {
      const answer = await admin('put', '/entities/faulty').send(body as object);
      expect([refusal(answer), faultsOf(answer)]).toEqual(['422 entity/invalid-document', faults]);
    }
    expect(await tablesOf(tenant)).not.toContain('faulty');
  });

  it('answers 201 with version 1, is read back as it was written, and is listed', async () => {
    const document = note({ 'x-y': { 'x-unique': true, type: 'string' } }, { title: 'Note', $comment: "it's $$ \\ fine" });
    const created = await admin('put', '/entities/Fresh').send(document);
    expect([created.status, created.body]).toEqual([201, { name: 'Fresh', version: 1, document }]);
    const viewer = await tenant.as('viewer');
    const read = await viewer('get', '/entities/Fresh');
    expect([read.status, read.body]).toEqual([200, { name: 'Fresh', version: 1, document }]);
    expect(Object.keys(read.body.document)).toEqual(Object.keys(document));
    expect((await viewer('get', '/entities')).body.items).toContainEqual({ name: 'Fresh', version: 1, document });
  });

  it('sent again is no new version; in another order it is one, since the order is read back', async () => {
    await tenant.define('same', NOTE);
    const again = await admin('put', '/entities/same').send(NOTE);
    expect([again.status, again.body.version, await versionsOf('same')]).toEqual([200, 1, [1]]);
    const { properties, ...rest } = NOTE;
    await tenant.define('same', { properties, ...rest });
    expect(Object.keys((await admin('get', '/entities/same')).body.document)[0]).toBe('properties');
    expect(await versionsOf('same')).toEqual([1, 2]);
  });

  it('of an entity named like another tenant’s is a table of its own', async () => {
    const other = await test.tenant();
    await tenant.define('shared', note());
    await other.define('shared', { type: 'object', properties: { title: { type: 'integer' } } });
    await admin('post', '/records/shared').send({ title: 'ours' });
    const call = await other.as();
    expect((await call('post', '/records/shared').send({ title: 7 })).status).toBe(201);
    expect((await call('get', '/records/shared?select=title')).body).toEqual([{ title: 7 }]);
    expect((await admin('get', '/records/shared?select=title')).body).toEqual([{ title: 'ours' }]);
  });
});

describe('an additive change applies at once to a table with rows:', () => {
  it.each<[string, object, object]>([
    ['an optional property', note({ due: { type: 'string', format: 'date' } }), { due: '2026-02-28' }],
    ['an optional unique property', note({ code: { type: 'string', unique: true } }), { code: 'a' }],
    ['an optional property with checks', note({ kind: { type: 'string', enum: ['a', "b'c"] } }), { kind: "b'c" }],
    ['a property with a default', note({ kind: { type: 'string', default: 'new' } }), { kind: 'new' }],
    ['an index', note({}, { indexes: [['-stars', 'title']] }), {}],
    ['an index on a property', note({ stars: { type: 'integer', index: true } }), {}],
    ['a title and a description', note({ title: { ...NOTE.properties.title, description: 'd' } }, { title: 'T' }), {}],
  ])('%s', async (what, document, member) => {
    const name = what.replaceAll(' ', '-');
    await tenant.define(name, NOTE);
    const old = await admin('post', `/records/${name}`).send({ title: 'old' });
    const changed = await admin('put', `/entities/${name}`).send(document);
    expect([changed.status, changed.body.version]).toEqual([200, 2]);
    expect((await admin('get', `/records/${name}/${old.body.id}`)).body).toEqual(old.body);
    const fresh = await admin('post', `/records/${name}`).send({ title: 'new', ...member });
    expect([fresh.status, fresh.body]).toMatchObject([201, { title: 'new', ...member }]);
    expect(await versionOf(name)).toBe(2);
  });
});

describe('a change that is not additive', () => {
  beforeAll(async () => {
    await tenant.define('plan', NOTE);
    await tenant.define('rating', { type: 'object', properties: { of: { type: 'integer', unique: true } } });
  });

  it.each<[string, object, string, string]>([
    ['a property less', { ...NOTE, properties: { title: NOTE.properties.title } }, 'property-removed', '/properties/stars'],
    ['another type', note({ stars: { type: 'number' } }), 'type-changed', '/properties/stars/type'],
    ['null allowed', note({ stars: { type: ['integer', 'null'] } }), 'nullable-on', '/properties/stars/type'],
    ['a required property', note({ a: { type: 'string' } }, { required: ['title', 'a'] }), 'property-added', '/properties/a'],
    ['one more required', note({}, { required: ['title', 'stars'] }), 'required-on', '/required'],
    ['one less required', note({}, { required: [] }), 'required-off', '/required'],
    ['a shorter text', note({ title: { type: 'string', maxLength: 5 } }), 'checks-changed', '/properties/title/maxLength'],
    [
      'a pattern',
      note({ title: { ...NOTE.properties.title, pattern: '^a' } }),
      'validation-changed',
      '/properties/title/pattern',
    ],
    ['unique on what is there', note({ stars: { type: 'integer', unique: true } }), 'unique-added', '/properties/stars/unique'],
    ['a unique key', note({}, { uniqueKeys: [['title', 'stars']] }), 'unique-added', '/uniqueKeys/0'],
    [
      'a relation on what is there',
      note({ stars: { type: 'integer', relation: { entity: 'rating', field: 'of' } } }),
      'relation-added',
      '/properties/stars/relation',
    ],
    ['a rename', RENAMED, 'property-renamed', '/properties/rating/renamedFrom'],
    ['extras kept', note({}, { additionalProperties: true }), 'extras-changed', '/additionalProperties'],
    ['preconditions demanded', note({}, { concurrency: 'required' }), 'concurrency-changed', '/concurrency'],
  ])('needs a plan: %s', async (_, document, kind, pointer) => {
    const answer = await admin('put', '/entities/plan').send(document);
    expect(refusal(answer)).toBe('409 entity/needs-plan');
    expect(answer.body.changes).toContainEqual({ kind, pointer, message: expect.any(String) });
    expect(await versionOf('plan')).toBe(1);
  });

  it('is named together with all others, and nothing of the additive ones beside it applies', async () => {
    await tenant.define('mixed', NOTE);
    const answer = await admin('put', '/entities/mixed').send({
      ...note({ extra: { type: 'string' }, stars: { type: 'string' } }),
      required: ['title', 'stars'],
    });
    expect(refusal(answer)).toBe('409 entity/needs-plan');
    expect(answer.body.changes.map((change: { kind: string }) => change.kind).sort()).toEqual(['required-on', 'type-changed']);
    const refused = await admin('post', '/records/mixed').send({ title: 'a', extra: 'x' });
    expect(faultsOf(refused)).toEqual(['/extra additionalProperties']);
  });

  it('needs a plan when records already hold an undeclared member of the new name, and only then', async () => {
    const open = { type: 'object', properties: { title: { type: 'string' } } };
    await tenant.define('open', open);
    const stored = await admin('post', '/records/open').send({ title: 'a', color: 'red' });
    const declared = { ...open, properties: { ...open.properties, color: { type: 'integer' } } };
    const refused = await admin('put', '/entities/open').send(declared);
    expect(refusal(refused)).toBe('409 entity/needs-plan');
    expect(refused.body.changes).toEqual([{ kind: 'property-added', pointer: '/properties/color', message: expect.any(String) }]);
    const size = await admin('put', '/entities/open').send({
      ...open,
      properties: { ...open.properties, size: { type: 'integer' } },
    });
    expect(size.status).toBe(200);
    expect((await admin('get', `/records/open/${stored.body.id}`)).body).toEqual(stored.body);
  });

  it('needs a plan when records hold null under the new name, unless the new property may be null', async () => {
    await tenant.define('nulls', { type: 'object' });
    const stored = await admin('post', '/records/nulls').send({ color: null });
    const declared = (type: string | string[]) => ({ type: 'object', properties: { color: { type } } });
    expect(refusal(await admin('put', '/entities/nulls').send(declared('string')))).toBe('409 entity/needs-plan');
    expect((await admin('put', '/entities/nulls').send(declared(['string', 'null']))).status).toBe(200);
    expect((await admin('get', `/records/nulls/${stored.body.id}`)).body).toEqual(stored.body);
  });
});

describe('a tenant', () => {
  it('has a thousand entities at most', async () => {
    const full = await test.tenant();
    await test.database.admin(
      `insert into business_store_service.tenant_schemas (tenant_id, entity_id, name, version, document)
       select $1, gen_random_uuid(), 'e' || i, 1, '{"type":"object"}' from generate_series(1, 1000) i`,
      [full.id],
    );
    const answer = await (await full.as())('put', '/entities/more').send(NOTE);
    expect([refusal(answer), answer.body.limit]).toEqual(['422 entity/invalid-document', 1_000]);
  });
});

describe('two admins at once', () => {
  it('define one new entity: one creates it, nobody sees a fault of the database', async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => admin('put', '/entities/raced').send(NOTE)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ body }) => body.version))).toEqual(new Set([1]));
  });

  it('add different properties: one wins, the other is told that the winner’s property would go', async () => {
    await tenant.define('contested', NOTE);
    const answers = await Promise.all(
      ['left', 'right'].map((name) => admin('put', '/entities/contested').send(note({ [name]: { type: 'string' } }))),
    );
    const [won, lost] = answers.sort((a, b) => a.status - b.status);
    expect([won!.status, refusal(lost!)]).toEqual([200, '409 entity/needs-plan']);
    const winner = Object.keys(won!.body.document.properties).at(-1);
    expect(lost!.body.changes).toContainEqual({
      kind: 'property-removed',
      pointer: `/properties/${winner}`,
      message: expect.any(String),
    });
    expect(await versionsOf('contested')).toEqual([1, 2]);
  });
});
