/** Names and texts that mean something to SQL, to JavaScript or to nobody: refused by name, or stored under a safe one of their own. */

import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(() => test.stop());

const define = (name: string, document: object) => call('put', `/entities/${encodeURIComponent(name)}`).send(document);
const withProperties = (...names: string[]) => ({
  type: 'object',
  additionalProperties: false,
  properties: Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
});

/** All names but those of NOT NULL constraints, which Postgres 18 makes up by itself. */
async function physicalNames(): Promise<string[]> {
  const { rows } = await test.database.admin(
    `select relname as name from pg_class where relnamespace = $1::regnamespace and relkind in ('r', 'i')
     union all select conname from pg_constraint where connamespace = $1::regnamespace and contype <> 'n'
     union all select attname from pg_attribute a join pg_class c on c.oid = a.attrelid where c.relnamespace = $1::regnamespace and attnum > 0`,
    [tenant.schemaName],
  );
  return rows.map(({ name }) => name);
}

describe('the name of a property', () => {
  it.each([
    ...'constructor prototype hasOwnProperty toString valueOf tenant_id _extra _extra2 1a $a a"b a;b a.b a,b a(b a/b a->b a%00 * -'.split(
      ' ',
    ),
    ...['', 'a b', "a'b", 'a\\b', 'a\nb', 'a\tb', '😀', 'a\u202eb', 'a\u200bb', '\u200fa', 'e\u0301', '\ufeffa'],
    ...['x'.repeat(200), '"; drop table users; --'],
  ])('%j is refused', async (name) => {
    const answer = await define('names', withProperties('fine', name));
    expect(refusal(answer)).toBe('422 entity/invalid-document');
    expect(answer.body.errors.every((error: { rule: string }) => error.rule === 'name')).toBe(true);
    expect(answer.body.errors[0].message).toMatch(/is reserved|is empty|has the character U\+|characters long|normalization/);
  });

  it.each([
    ['__proto__', '{"type":"object","properties":{"__proto__":{"type":"string"}}}'],
    ['with U+0000', '{"type":"object","properties":{"a\\u0000b":{"type":"string"}}}'],
    ['with half a surrogate pair', '{"type":"object","properties":{"a\\ud800":{"type":"string"}}}'],
    ['given twice', '{"type":"object","properties":{"a":{"type":"string"},"a":{"type":"integer"}}}'],
  ])('%s is refused before it is a name', async (_, body) => {
    const answer = await call('put', '/entities/names').set('content-type', 'application/json').send(body);
    expect(refusal(answer)).toBe('400 request/unfaithful-json');
    expect(answer.body.errors[0].pointer).toMatch(/^\/properties\//);
  });

  it('may be any word, in any script and case, each with a column of its own', async () => {
    const names = [
      ...'select user table order limit offset and or not null all xmin ctid oid tableoid Id ID Created_At Revision'.split(' '),
      ...'TENANT_ID kebab-case x х a A é É ß ss SS ı i İ 用户名 имя العميل toJSON length then c0 c1 extra event_id body'.split(
        ' ',
      ),
      ...'input r _private data'.split(' '),
    ];
    expect(names).toHaveLength(new Set(names).size);
    expect((await define('words', withProperties(...names))).status).toBe(201);
    const record = Object.fromEntries(names.map((name, index) => [name, `value ${index}`]));
    const created = await call('post', '/records/words').send(record);
    expect([created.status, created.body]).toEqual([201, { ...system(created.body), ...record }]);
    const replaced = await call('put', `/records/words/${created.body.id}`).send(record);
    expect(replaced.body).toEqual({ ...system(replaced.body), ...record });
    const grammar = 'select order limit offset and or not null all'.split(' ');
    for (const name of names) {
      const filter = grammar.includes(name)
        ? `and=("${name}".eq.${record[name]})`
        : `${encodeURIComponent(name)}=eq.${record[name]}`;
      const answer = await call(
        'get',
        `/records/words?select="${encodeURIComponent(name)}"&${filter}&order="${encodeURIComponent(name)}"`,
      );
      expect([name, answer.body]).toEqual([name, [{ [name]: record[name] }]]);
    }
  });

  it('of 70 bytes does not meet another that shares its first 64, nor in keys, indexes and relations', async () => {
    const stem = `${'長'.repeat(20)}abcd`;
    const [left, right] = [`${stem}_left`, `${stem}_right`];
    const field = (unique: object) => ({ type: 'integer', ...unique, minimum: 0, index: true });
    const document = { type: 'object', properties: { [left]: field({ unique: true }), [right]: field({ unique: true }) } };
    expect((await define('long', document)).status).toBe(201);
    const relation = (name: string) => ({ type: 'integer', relation: { entity: 'long', field: name } });
    expect(
      (await define('related', { type: 'object', properties: { [left]: relation(left), [right]: relation(right) } })).status,
    ).toBe(201);
    expect((await call('post', '/records/long').send({ [left]: 1, [right]: 2 })).status).toBe(201);
    for (const name of [left, right]) {
      const taken = await call('post', '/records/long').send({ [name]: name === left ? 1 : 2 });
      expect([refusal(taken), faultsOf(taken)]).toEqual(['409 record/duplicate', [`/${name} unique`]]);
      const missing = await call('post', '/records/related').send({ [name]: 9 });
      expect([refusal(missing), faultsOf(missing)]).toEqual(['409 record/reference-missing', [`/${name} relation`]]);
    }
    expect((await call('post', '/records/related').send({ [left]: 1, [right]: 2 })).status).toBe(201);
    expect(
      (await call('get', `/records/long?select=${encodeURIComponent(right)}&${encodeURIComponent(left)}=eq.1`)).body,
    ).toEqual([{ [right]: 2 }]);
  });
});

describe('the name of an entity', () => {
  it.each([
    ...'rpc __proto__ constructor prototype _private 1st a"b a;b a.b é 😀 % %2e%2e%2f ..%2f.. a/b -a'.split(' '),
    ...['a b', "a'b", 'a\u202eb', 'a\u0000', 'a\n', 'x'.repeat(129)],
  ])('%j is refused', async (name) => {
    expect(refusal(await define(name, withProperties('a')))).toBe('422 entity/invalid-document');
  });

  it('may be any word; two that differ in case, or after their 63rd byte, are two', async () => {
    const long = 'x'.repeat(100);
    const names = ['select', 'user', 'pg_class', 'Case', 'case', `${long}a`, `${long}b`, 'tenants', 'a-b', 'y'.repeat(128)];
    for (const name of names) {
      expect((await define(name, withProperties('own'))).status).toBe(201);
      expect((await call('post', `/records/${name}`).send({ own: name })).status).toBe(201);
    }
    for (const name of names) expect((await call('get', `/records/${name}?select=own`)).body).toEqual([{ own: name }]);
  });
});

describe('a text in a document', () => {
  const HOSTILE = [
    ...[
      "'; drop table words; --",
      "'); select pg_sleep(9); --",
      "E'\\x41'",
      "it's",
      '-- x',
      '/* x',
      '$$',
      '$1',
      '\\',
      "\\'",
      '"',
    ],
    ...['*/ throw 1; /*', '"+process.exit(1)+"', `$${'{process.exit(1)}'}`, '`', '</script>', '%s%n', '\u2028\u2029'],
    ...['\n', '\r\n', '😀', ''],
  ];

  it('is data wherever it stands: enum, const, default, title, comment, required, examples', async () => {
    const document = {
      type: 'object',
      title: HOSTILE.join(' '),
      description: HOSTILE.join('\n'),
      $comment: HOSTILE.join(''),
      examples: HOSTILE,
      properties: {
        choice: { type: 'string', enum: HOSTILE, examples: HOSTILE, title: HOSTILE[1] },
        mixed: { enum: [...HOSTILE, 1, null, { [HOSTILE[0]!]: HOSTILE }] },
        fixed: { type: 'string', const: HOSTILE[1], default: HOSTILE[1] },
        free: {
          type: 'object',
          required: [HOSTILE[0]],
          properties: Object.fromEntries(HOSTILE.map((text) => [text, { type: 'string' }])),
        },
      },
    };
    expect((await define('texts', document)).status).toBe(201);
    const records = HOSTILE.map((text) => ({ choice: text, mixed: text, free: { [HOSTILE[0]!]: text, [text]: text } }));
    const stored = await call('post', '/records/texts').send(records);
    expect(stored.status).toBe(201);
    expect(stored.body).toEqual(records.map((record, i) => ({ ...system(stored.body[i]), ...record, fixed: HOSTILE[1] })));
    expect((await call('get', '/entities/texts')).body.document).toEqual(document);
    for (const text of HOSTILE) {
      const found = await call('get', `/records/texts?select=choice&choice=eq.${encodeURIComponent(text)}`);
      expect(found.body).toEqual([{ choice: text }]);
      expect(faultsOf(await call('post', '/records/texts').send({ choice: `${text}x` }))).toEqual(['/choice enum']);
    }
  });

  it.each([
    ['a format nobody knows', { type: 'string', format: '"+process.exit(1)+"' }, '422 entity/invalid-document'],
    ['a number beyond all doubles', '{"type":"object","properties":{"a":{"default":1e400}}}', '400 request/unfaithful-json'],
    ['U+0000', '{"type":"object","properties":{"a":{"enum":["\\u0000"]}}}', '400 request/unfaithful-json'],
    [
      'an integer that doubles round',
      '{"type":"object","properties":{"a":{"maximum":9007199254740993}}}',
      '400 request/unfaithful-json',
    ],
  ])('is refused: %s', async (_, given, answer) => {
    const body = typeof given === 'string' ? given : JSON.stringify({ type: 'object', properties: { a: given } });
    expect(refusal(await call('put', '/entities/wrong').set('content-type', 'application/json').send(body))).toBe(answer);
  });

  it('leaves physical names that Postgres never cuts', async () => {
    const names = await physicalNames();
    expect(names.length).toBeGreaterThan(100);
    expect(names.filter((name) => Buffer.byteLength(name) > 45)).toEqual([]);
  });
});

function system({ id, created_at, updated_at, created_by, updated_by, revision }: Record<string, unknown>) {
  return { id, created_at, updated_at, created_by, updated_by, revision };
}
