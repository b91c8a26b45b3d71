/** Row rules as definitions change: their policies come, change, follow and go in one moment with the document, and drift is told. */

import type { JsonObject } from '../../src/platform/json-value.js';
import { type Call, change, document, planOf } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { callAs, makeRole } from '../harness/row-callers.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let clerk: Call;

const text = { type: 'string' };
const eq = (name: string, value: unknown) => ({ clerk: { read: { [name]: { eq: value } } } });
const note = (rowRules?: unknown, properties: object = { team: text, rank: text }) =>
  document(properties, rowRules === undefined ? {} : { rowRules });

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  admin = await tenant.as();
  await makeRole(tenant, 'clerk');
  clerk = await callAs(test, tenant, { roles: ['clerk'], subject: 'kim' });
});

afterAll(() => test.stop());

const policies = async (table = 'note'): Promise<string[]> =>
  (
    await test.database.admin('select policyname from pg_policies where schemaname = $1 and tablename = $2 order by 1', [
      tenant.schemaName,
      table,
    ])
  ).rows.map(({ policyname }) => policyname);
const ALL = ['row_rules_delete', 'row_rules_insert', 'row_rules_read', 'row_rules_update', 'tenant'];
const teams = async (call = clerk): Promise<string[]> =>
  (await call('get', '/records/note?order=team').expect(200)).body.map(({ team }: { team: string }) => team);
const drift = async () => (await admin('get', '/entities/note/drift').expect(200)).body;
const seed = async () => {
  for (const team of ['a', 'b']) await admin('post', '/records/note').send({ team, rank: '1' }).expect(201);
};

describe('a document is refused whose row rules', () => {
  const refused: [string, JsonObject, string][] = [
    ['name a property that is not there', { clerk: { read: { nothing: { eq: 1 } } } }, '/clerk/read/nothing'],
    ['name what changes with every write', { clerk: { read: { updated_by: { eq: 'x' } } } }, '/clerk/read/updated_by'],
    ['compare JSON', { clerk: { read: { data: { eq: 'x' } } } }, '/clerk/read/data'],
    ['compare with a value of another type', { clerk: { read: { rank: { eq: 'x' } } } }, '/clerk/read/rank/eq'],
    ['compare with a list', { clerk: { read: { team: { eq: ['a'] } } } }, '/clerk/read/team/eq'],
    ['hold null', { clerk: { read: { team: { eq: null } } } }, '/clerk/read/team/eq'],
    ['ask for what is in no list', { clerk: { read: { team: { in: 'a' } } } }, '/clerk/read/team/in'],
    ['hold a wrong value in a list', { clerk: { read: { rank: { in: [1, 'x'] } } } }, '/clerk/read/rank/in/1'],
    ['use an operator that is none', { clerk: { read: { team: { like: 'a%' } } } }, '/clerk/read/team/like'],
    ['test for what is none', { clerk: { read: { team: { is: 'true' } } } }, '/clerk/read/team/is'],
    ['say nothing', { clerk: { read: {} } }, '/clerk/read'],
    ['join nothing', { clerk: { read: { or: [] } } }, '/clerk/read/or'],
    ['join what is no condition', { clerk: { read: { and: [true] } } }, '/clerk/read/and/0'],
    ['name no claim', { clerk: { read: { team: { eq: { claim: '' } } } } }, '/clerk/read/team/eq/claim'],
    ['name a hostile claim', { clerk: { write: { team: { eq: { claim: "x'||y" } } } } }, '/clerk/write/team/eq/claim'],
    ['compare a day with a claim', { clerk: { read: { day: { eq: { claim: 'day' } } } } }, '/clerk/read/day/eq/claim'],
    ['name a role that nobody can have', { 'bss:service': { read: false } }, '/bss:service'],
    [
      'are too deep',
      { clerk: { read: { not: { not: { not: { not: { not: { team: { eq: 'a' } } } } } } } } },
      '/clerk/read/not/not/not/not/not',
    ],
    [
      'are too long',
      { clerk: { read: { or: Array.from({ length: 51 }, () => ({ team: { eq: 'a' } })) } } },
      '/clerk/read/or/50/team/eq',
    ],
    ['order truth values', { clerk: { read: { done: { gt: true } } } }, '/clerk/read/done/gt'],
  ];

  it.each(refused)('%s', async (_, rowRules, place) => {
    const properties = {
      team: text,
      rank: { type: 'integer' },
      data: { type: 'object' },
      day: { ...text, format: 'date' },
      done: { type: 'boolean' },
    };
    const answer = await admin('put', '/entities/note').send(document(properties, { rowRules }));
    expect(refusal(answer)).toBe('422 entity/invalid-document');
    expect(faultsOf(answer)).toEqual([`/rowRules${place} rowRules`]);
  });

  it.each([[{}], [{ clerk: true }], [{ clerk: { read: 'all' } }], [{ clerk: { delete: true } }]])(
    'are no rules: %j',
    async (rowRules) => {
      expect(refusal(await admin('put', '/entities/note').send(document({ team: text }, { rowRules })))).toBe(
        '422 entity/invalid-document',
      );
    },
  );

  it('name a property that is dropped', async () => {
    await tenant.define('note', note(eq('team', 'a')));
    const answer = await admin('post', '/entities/note/plan').send(note(eq('team', 'a'), { rank: text }));
    expect(refusal(answer)).toBe('422 entity/invalid-document');
  });
});

it('rules come, change and go with a document, at once and without a question', async () => {
  await tenant.define('note', note());
  await seed();
  expect([await policies(), await teams()]).toEqual([['tenant'], ['a', 'b']]);
  await tenant.define('note', note(eq('team', 'a')));
  expect([await policies(), await teams()]).toEqual([ALL, ['a']]);
  const plan = await planOf(admin, 'note', note(eq('team', 'b')));
  expect(plan.operations.map(({ kind }) => kind)).toEqual(['change-row-rules']);
  expect(plan.needs).toEqual([]);
  expect(plan.compatibility.level).toBe('full');
  expect(new Set(plan.steps.map(({ lock }) => lock))).toEqual(new Set(['ACCESS EXCLUSIVE']));
  await tenant.define('note', note(eq('team', 'b')));
  expect([await policies(), await teams(), await drift()]).toMatchObject([ALL, ['b'], { items: [] }]);
  await tenant.define('note', note());
  expect([await policies(), await teams()]).toEqual([['tenant'], ['a', 'b']]);
});

it('rules leave the descriptions of the entity for clients as they are', async () => {
  await tenant.define('note', note(eq('team', 'a')));
  for (const path of ['/openapi.json', '/types.ts', '/entities/note']) await clerk('get', path).expect(200);
  const { body } = await admin('get', '/openapi.json').expect(200);
  expect(Object.keys(body.components.schemas)).toContain('Note');
});

it('rules said in another way change no policy', async () => {
  await tenant.define('note', note({ clerk: { read: { team: { eq: 'a' } } }, auditor: { read: true } }));
  const other = { auditor: { read: true }, clerk: { read: { and: [{ team: { eq: 'a' } }] } } };
  expect((await planOf(admin, 'note', note(other))).steps).toEqual([]);
});

it('rules follow a property that is renamed, and the entity', async () => {
  await tenant.define('note', note(eq('team', 'a')));
  await seed();
  const { plan } = await change(admin, 'note', note(eq('group', 'a'), { group: { ...text, renamedFrom: 'team' }, rank: text }));
  expect(plan.operations.map(({ kind }) => kind)).not.toContain('change-row-rules');
  expect((await clerk('get', '/records/note?select=group')).body).toEqual([{ group: 'a' }]);
  expect(await drift()).toMatchObject({ items: [] });
  await change(admin, 'memo', { ...note(eq('group', 'a'), { group: text, rank: text }), renamedFrom: 'note' });
  expect(await policies('memo')).toEqual(ALL);
  expect((await clerk('get', '/records/memo?select=group')).body).toEqual([{ group: 'a' }]);
});

it.each([
  ['few', 0],
  ['many', 10_001],
])('rules stay in force while a property that they name changes its type: %s rows', async (_, more) => {
  await tenant.define('note', note(eq('rank', '1')));
  await seed();
  await admin('post', '/records/note').send({ team: 'c', rank: '2' }).expect(201);
  if (more > 0) {
    await test.database.admin(
      `insert into "${tenant.schemaName}".note (tenant_id, id, team, rank, created_at, updated_at, created_by, updated_by, revision)
       select $1, gen_random_uuid(), 'z', '2', now(), now(), 'x', 'x', 1 from generate_series(1, ${more})`,
      [tenant.id],
    );
  }
  const wanted = note(eq('rank', 1), { team: text, rank: { type: 'integer' } });
  const { plan } = await change(admin, 'note', wanted, ['blocking']);
  expect(plan.operations.map(({ kind }) => kind)).toEqual(['change-type', 'change-row-rules']);
  expect([await policies(), await teams(), await drift()]).toMatchObject([ALL, ['a', 'b'], { items: [] }]);
});

it('plans count and read every row, whatever their author may see', async () => {
  await tenant.define('note', note({ admin: { read: false, write: false } }));
  const service = await callAs(test, tenant, { roles: ['service'] });
  for (const rank of ['1', 'x']) await service('post', '/records/note').send({ team: 'a', rank }).expect(201);
  expect(await teams(admin)).toEqual([]);
  const plan = await planOf(
    admin,
    'note',
    note({ admin: { read: false, write: false } }, { team: text, rank: { type: 'integer' } }),
  );
  expect([plan.rows, plan.possible, plan.operations[0]?.failing[0]?.rows]).toEqual([2, false, 1]);
  const required = { team: text, rank: text, kind: { ...text, default: 'plain' } };
  await change(admin, 'note', document(required, { required: ['kind'], rowRules: { admin: { read: false, write: false } } }));
  expect((await service('get', '/records/note?select=kind')).body).toEqual([{ kind: 'plain' }, { kind: 'plain' }]);
});

it('the way back brings the rules back', async () => {
  await tenant.define('note', note(eq('team', 'a')));
  await seed();
  await tenant.define('note', note());
  expect(await teams()).toEqual(['a', 'b']);
  await admin('post', '/entities/note/rollback').send({ version: 1 }).expect(200);
  expect([await policies(), await teams()]).toEqual([ALL, ['a']]);
});

it('a dropped entity comes back with them', async () => {
  await tenant.define('note', note(eq('team', 'a')));
  await seed();
  await admin('delete', '/entities/note?allow=destructive').expect(204);
  await admin('post', '/entities/note/restore').expect(200);
  expect([await policies(), await teams()]).toEqual([ALL, ['a']]);
});

it.each([
  ['missing', (table: string) => `drop policy row_rules_read on ${table}`],
  ['different', (table: string) => `alter policy row_rules_read on ${table} using (true)`],
])('a policy that is %s is told as drift, and the next change of the rules mends it', async (kind, sabotage) => {
  await tenant.define('note', note(eq('team', 'a')));
  await drift();
  await test.database.admin(sabotage(`"${tenant.schemaName}".note`));
  expect(await drift()).toMatchObject({ items: [{ kind, object: 'policy', name: 'row_rules_read' }] });
  await tenant.define('note', note(eq('team', 'b')));
  expect(await drift()).toMatchObject({ items: [] });
});
