/** Properties of entities that have records already are encrypted, decrypted, and found by equal values or not. */

import { type Call, change, contents, document, driftOf, planOf, store } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(() => test?.stop());

const STRING = { type: 'string' };
const FOUND = { searchable: 'equality' };
const ALL = ['destructive', 'blocking'];

const rowsOf = async (table: string): Promise<Record<string, unknown>[]> =>
  (await test.database.admin(`select * from "${tenant.schemaName}"."${table}" order by id`)).rows;

/** Whether the catalog is what the document asks for, and nothing of what was prepared is left. */
async function expectClean(name: string): Promise<void> {
  expect(await driftOf(call, name)).toEqual([]);
  const [row = {}] = await rowsOf(name);
  expect(Object.keys(row).filter((column) => column.endsWith('~new'))).toEqual([]);
}

const messagesOf = async (name: string, wanted: object): Promise<string[]> =>
  (await planOf(call, name, wanted)).operations.flatMap(({ failing }) => failing.map(({ message }) => message));

describe('the plan of an encryption is refused', () => {
  it('where the type changes at the same time', async () => {
    await tenant.define('two', document({ a: STRING }));
    const wanted = document({ a: { type: 'integer', encrypted: true } });
    expect(await messagesOf('two', wanted)).toEqual([]);
    await store(call, 'two', [{ a: '1' }]);
    expect(await messagesOf('two', wanted)).toEqual(['the type of "a" changes from text to bigint together with its encryption']);
    await change(call, 'two', document({ a: { ...STRING, encrypted: true } }), ALL);
    expect(await messagesOf('two', wanted)).toHaveLength(1);
  });

  it('where undeclared values would have to be encrypted', async () => {
    await tenant.define('adopted', document({ a: STRING }, { additionalProperties: true }));
    await store(call, 'adopted', [{ a: 'x', b: 'y' }]);
    const wanted = document({ a: STRING, b: { ...STRING, encrypted: true } }, { additionalProperties: true });
    expect(await messagesOf('adopted', wanted)).toEqual([
      'a record holds an undeclared value under "b", which the database cannot encrypt',
    ]);
    // As it says: first declared, then encrypted.
    await change(call, 'adopted', document({ a: STRING, b: STRING }, { additionalProperties: true }), ALL);
    await change(call, 'adopted', wanted, ALL);
    expect(await contents(call, 'adopted')).toEqual([{ a: 'x', b: 'y' }]);
    await expectClean('adopted');
  });

  it('while former versions hold values undeclared, and goes on when they are purged', async () => {
    const words = { history: 'full', softDelete: true, additionalProperties: true };
    await tenant.define('kept', document({ b: STRING }, words));
    const [id] = await store(call, 'kept', [{ a: 'former', b: 'x' }]);
    await call('patch', `/records/kept/${id}`).send({ a: 'present' }).expect(200);
    await change(call, 'kept', document({ a: STRING, b: STRING }, words), ALL);
    const wanted = document({ a: { ...STRING, encrypted: true }, b: STRING }, words);
    expect(await messagesOf('kept', wanted)).toEqual([
      'a former version or a deleted record holds an undeclared value under "a", in plain text',
    ]);
    await call('delete', `/records/kept/${id}/history`).expect(204);
    await call('patch', `/records/kept/${id}`).send({ b: 'y' }).expect(200);
    await change(call, 'kept', wanted, ALL);
    await call('patch', `/records/kept/${id}`).send({ a: 'later' }).expect(200);
    const past = (await call('get', `/records/kept/${id}/history`).expect(200)).text;
    expect([past.includes('present'), past.includes('later'), past.includes('former')]).toEqual([true, true, false]);
    const kept = await test.database.admin(
      `select relname from pg_class where relnamespace = '${tenant.schemaName}'::regnamespace and relkind = 'p'`,
    );
    for (const { relname } of kept.rows) expect(JSON.stringify(await rowsOf(relname))).not.toMatch(/former|present|later/);
  });

  it('of one key, where records are alike by it', async () => {
    await tenant.define('alike', document({ a: STRING }));
    await store(call, 'alike', [{ a: 'x' }, { a: 'x' }]);
    const sealed = { ...STRING, encrypted: FOUND };
    expect(await messagesOf('alike', document({ a: { ...sealed, unique: true } }))).toEqual([
      'several records have the same "a"',
    ]);
    await change(call, 'alike', document({ a: sealed }), ALL);
    const unique = document({ a: { ...sealed, unique: true } });
    expect(await messagesOf('alike', unique)).toEqual(['several records have the same "a"']);
    const plain = document({ a: { ...STRING, unique: true } });
    expect(await messagesOf('alike', plain)).toEqual(['several records have the same "a"']);
  });

  it('of rules that encrypted values break', async () => {
    await tenant.define('ruled', document({ a: { ...STRING, encrypted: true } }));
    await store(call, 'ruled', [{ a: 'short' }, { a: 'much too long' }]);
    for (const encrypted of [true, false]) {
      const wanted = document({ a: { ...STRING, maxLength: 5, encrypted } });
      expect(await messagesOf('ruled', wanted)).toEqual(['a record is not valid under the new document']);
    }
    await change(call, 'ruled', document({ a: { ...STRING, maxLength: 15, encrypted: true } }), ALL);
    await change(call, 'ruled', document({ a: { ...STRING, maxLength: 14 } }), ALL);
    expect(await contents(call, 'ruled')).toEqual([{ a: 'short' }, { a: 'much too long' }]);
    await expectClean('ruled');
  });
});

describe('a property of an entity with records', () => {
  const SSN = { ...STRING, minLength: 3 };
  const PLAIN = document({
    ssn: { ...SSN, unique: true },
    born: { type: 'string', format: 'date-time' },
    n: { type: 'integer' },
  });
  const SEALED = document({
    ssn: { ...SSN, unique: true, encrypted: FOUND },
    born: { type: 'string', format: 'date-time', encrypted: true },
    n: { type: 'integer' },
  });

  it('is encrypted with all that records hold in it, and decrypted to exactly that again', async () => {
    await tenant.define('person', PLAIN);
    const sent = Array.from({ length: 30 }, (_, n) => {
      return { n, ...(n % 3 ? { ssn: `123-${n}` } : {}), born: `1990-01-01T00:00:0${n % 10}Z` };
    });
    await store(call, 'person', sent);
    const before = await contents(call, 'person');
    const { plan } = await change(call, 'person', SEALED);
    expect(plan.operations.map(({ kind, property }) => `${kind} ${property}`)).toEqual([
      'change-encryption ssn',
      'change-encryption born',
    ]);
    const stored = await rowsOf('person');
    expect(Object.keys(stored[0] ?? {})).not.toContain('ssn');
    expect(JSON.stringify(stored)).not.toMatch(/123-|1990/);
    expect(await contents(call, 'person')).toEqual(before);
    await expectClean('person');
    expect(await contents(call, 'person', '&ssn=eq.123-4')).toEqual([before[4]]);
    const taken = await call('post', '/records/person').send({ ssn: '123-4' });
    expect([refusal(taken), taken.body.errors]).toMatchObject(['409 record/duplicate', [{ pointer: '/ssn', rule: 'unique' }]]);
    expect(taken.text).not.toContain('123-4');
    expect(refusal(await call('post', '/records/person').send({ ssn: '12' }))).toBe('422 record/invalid');
    await change(call, 'person', PLAIN, ALL);
    expect(await contents(call, 'person')).toEqual(before);
    await expectClean('person');
    expect((await rowsOf('person')).map(({ ssn }) => ssn)).toEqual(sent.map(({ ssn }) => ssn ?? null));
    expect(refusal(await call('post', '/records/person').send({ ssn: '123-4' }))).toBe('409 record/duplicate');
  });

  it('comes back as it was, of every type', async () => {
    const types = {
      text: STRING,
      key: { type: 'string', format: 'uuid' },
      day: { type: 'string', format: 'date' },
      moment: { type: 'string', format: 'date-time' },
      clock: { type: 'string', format: 'time' },
      host: { type: 'string', format: 'ipv4' },
      bytes: { type: 'string', format: 'byte' },
      amount: { type: 'string', format: 'decimal', precision: 12, scale: 2 },
      digits: { type: 'string', format: 'decimal' },
      count: { type: 'integer' },
      ratio: { type: 'number' },
      flag: { type: 'boolean' },
      tree: { type: 'object' },
      span: { type: 'string', format: 'daterange' },
    };
    const records = [
      {
        ...{
          text: 'ä\n"',
          key: 'AAAAAAAA-0000-4000-8000-000000000000',
          day: '2024-02-29',
          moment: '2024-05-31T20:30:00.50+02:00',
        },
        ...{ clock: '09:30:00+02:00', host: '10.0.0.1', bytes: 'AAECAw==', amount: '5', digits: '0.10', count: 9007199254740991 },
        ...{ ratio: 0.1, flag: false, tree: { b: [1, null], a: {} }, span: '[2024-01-01,2024-02-01)' },
      },
      { ratio: 1e21, count: -1, text: '', flag: true },
      {},
    ];
    const sealed = Object.fromEntries(Object.entries(types).map(([name, schema]) => [name, { ...schema, encrypted: true }]));
    await tenant.define('typed', document(types));
    await store(call, 'typed', records);
    const before = await contents(call, 'typed');
    await change(call, 'typed', document(sealed), ALL);
    expect(await contents(call, 'typed')).toEqual(before);
    await expectClean('typed');
    await change(call, 'typed', document(types), ALL);
    expect(await contents(call, 'typed')).toEqual(before);
    await expectClean('typed');
  });

  it('is found by equal values from now on, and no longer', async () => {
    const sealed = (encrypted: unknown, words = {}) => document({ a: { ...STRING, encrypted, ...words }, b: STRING });
    await tenant.define('toggled', sealed(true));
    await store(call, 'toggled', [{ a: 'x', b: '1' }, { a: 'y', b: '1' }, { b: '2' }]);
    await change(call, 'toggled', sealed(FOUND), ALL);
    expect(await contents(call, 'toggled', '&a=eq.y')).toEqual([{ a: 'y', b: '1' }]);
    await expectClean('toggled');
    // A key of its own takes the place of the index, and alone or with others refuses what is there.
    await change(call, 'toggled', sealed(FOUND, { unique: true }), ALL);
    expect(refusal(await call('post', '/records/toggled').send({ a: 'x' }))).toBe('409 record/duplicate');
    await expectClean('toggled');
    const { plan } = await change(call, 'toggled', { ...sealed(FOUND), uniqueKeys: [['b', 'a']] }, ALL);
    expect(plan.operations.map(({ kind }) => kind).sort()).toEqual(['add-index', 'add-unique', 'drop-unique']);
    expect(refusal(await call('post', '/records/toggled').send({ a: 'x', b: '1' }))).toBe('409 record/duplicate');
    expect((await call('post', '/records/toggled').send({ a: 'x', b: '2' })).status).toBe(201);
    await expectClean('toggled');
    await change(call, 'toggled', sealed(true), ALL);
    expect(refusal(await call('get', '/records/toggled?a=eq.y'))).toBe('400 request/invalid-query');
    expect(await contents(call, 'toggled')).toContainEqual({ a: 'y', b: '1' });
    await expectClean('toggled');
  });

  it('is renamed, required and made unique in the same change, with the entity under another name', async () => {
    await tenant.define('before', document({ old: { type: ['string', 'null'] }, site: STRING }, { additionalProperties: true }));
    await store(call, 'before', [
      { old: 'x', site: 's', free: 1 },
      { old: 'y', site: 's' },
    ]);
    const fresh = { ...STRING, encrypted: FOUND, renamedFrom: 'old', unique: true };
    const wanted = document({ fresh, site: STRING }, { additionalProperties: true, required: ['fresh'], renamedFrom: 'before' });
    const { plan } = await change(call, 'after', wanted, ALL);
    expect(plan.operations.map(({ kind }) => kind)).toEqual(
      expect.arrayContaining(['rename-entity', 'rename-property', 'change-encryption', 'require-value', 'add-unique']),
    );
    expect(await contents(call, 'after')).toEqual([
      { fresh: 'x', site: 's', free: 1 },
      { fresh: 'y', site: 's' },
    ]);
    await expectClean('after');
    const back = document(
      { old: { type: ['string', 'null'], renamedFrom: 'fresh' }, site: STRING },
      { additionalProperties: true, renamedFrom: 'after' },
    );
    await change(call, 'before', back, ALL);
    expect(await contents(call, 'before')).toEqual([
      { old: 'x', site: 's', free: 1 },
      { old: 'y', site: 's' },
    ]);
    await expectClean('before');
  });

  it('keeps its explicit nulls, and what keeps undeclared members out of its place', async () => {
    const nullable = { type: ['string', 'null'] };
    const words = { additionalProperties: true };
    await tenant.define('nulls', document({ b: STRING }, words));
    await change(call, 'nulls', document({ a: nullable, b: STRING }, words), ALL);
    const records = [{ a: null }, { a: 'x' }, {}, { a: null, c: 1 }];
    await store(call, 'nulls', records);
    await change(call, 'nulls', document({ a: { ...nullable, encrypted: true }, b: STRING }, words), ALL);
    expect(await contents(call, 'nulls')).toEqual(records);
    await expectClean('nulls');
    await change(call, 'nulls', document({ a: nullable, b: STRING }, words), ALL);
    expect(await contents(call, 'nulls')).toEqual(records);
    await expectClean('nulls');
  });

  it('is dropped and restored with its cells, under the keys of its old name', async () => {
    await tenant.define('gone', document({ a: { ...STRING, encrypted: FOUND, unique: true }, b: STRING }));
    await store(call, 'gone', [{ a: 'x', b: '1' }]);
    await change(call, 'gone', document({ b: STRING }), ALL);
    await expectClean('gone');
    await call('post', '/entities/gone/rollback').send({ version: 1, allow: ALL }).expect(200);
    expect(await contents(call, 'gone', '&a=eq.x')).toEqual([{ a: 'x', b: '1' }]);
    await expectClean('gone');
  });
});

describe('what is kept of cells in the database', () => {
  it('is told apart from what somebody changed by hand', async () => {
    await tenant.define(
      'drifted',
      document({ a: { ...STRING, encrypted: FOUND, unique: true }, b: { ...STRING, encrypted: FOUND } }),
    );
    await expectClean('drifted');
    const schema = tenant.schemaName;
    await test.database.admin(`drop index "${schema}"."drifted.a~sealed.key1"`);
    await test.database.admin(`drop index "${schema}"."drifted.b~sealed.idx0"`);
    await test.database.admin(`create index "drifted.b~sealed.idx0" on "${schema}".drifted ("b~sealed")`);
    await test.database.admin(`alter table "${schema}".drifted drop constraint "drifted.a~sealed.cell.check"`);
    const drift = (await driftOf(call, 'drifted')) as { kind: string; object: string; name: string; message: string }[];
    expect(drift.map(({ kind, object, name }) => `${kind} ${object} ${name}`).sort()).toEqual([
      'different index drifted.b~sealed.idx0',
      'missing constraint drifted.a~sealed.cell.check',
      'missing index drifted.a~sealed.key1',
    ]);
    expect(drift.find(({ name }) => name.endsWith('key1'))?.message).toContain('duplicates are no longer refused');
  });

  it('takes nothing that is no cell', async () => {
    await tenant.define('pure', document({ a: { ...STRING, encrypted: true } }));
    const [id] = await store(call, 'pure', [{ a: 'x' }]);
    const write = (bytes: string) =>
      test.database.admin(`update "${tenant.schemaName}".pure set "a~sealed" = $2 where id = $1`, [id, bytes]);
    for (const bytes of ['plain text that is long enough to be a cell', '\\x01', `\\x02${'00'.repeat(80)}`]) {
      await expect(write(bytes)).rejects.toMatchObject({ constraint: 'pure.a~sealed.cell.check' });
    }
  });
});
