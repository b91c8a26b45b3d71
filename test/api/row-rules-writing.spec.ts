/** Row rules on every path that writes: what a caller may not see is not there, and what it may only see stays as it is. */

import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { ROW_RULE_POLICIES } from '../../src/model/ddl/row-rule-policies.js';
import { type Call, document } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { callAs, makeRole } from '../harness/row-callers.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let clerk: Call;

const text = { type: 'string' };
const FORBIDDEN = '403 record/row-forbidden';

const TASK = document(
  { title: text, owner: text, team: text, code: { ...text, unique: true } },
  {
    rowRules: {
      clerk: { read: { team: { in: { claim: 'teams' } } }, write: { owner: { eq: { claim: 'sub' } } } },
      author: { read: true, write: { created_by: { eq: { claim: 'sub' } } } },
    },
  },
);

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  admin = await tenant.as();
  for (const role of ['clerk', 'author']) await makeRole(tenant, role);
  await tenant.define('task', TASK);
  clerk = await callAs(test, tenant, { roles: ['clerk'], subject: 'kim', claims: { teams: ['a', 'b'] } });
});

afterAll(() => test.stop());

const add = async (body: Record<string, unknown>, entity = 'task'): Promise<string> =>
  (await admin('post', `/records/${entity}`).send(body).expect(201)).body.id;

const stored = async (id: string) => (await admin('get', `/records/task/${id}`).expect(200)).body;

/** Without what names the request. */
const said = ({ status, body, headers }: Response) => [status, { ...body, instance: 0 }, headers['content-length']];

const CHANGES: [string, (call: Call, id: string) => ReturnType<Call>][] = [
  ['replaced', (call, id) => call('put', `/records/task/${id}`).send({ title: 'new', owner: 'kim', team: 'a' })],
  ['patched', (call, id) => call('patch', `/records/task/${id}`).send({ title: 'new', owner: 'kim' })],
  [
    'patched as RFC 6902 has it',
    (call, id) =>
      call('patch', `/records/task/${id}`)
        .set('content-type', 'application/json-patch+json')
        .send(JSON.stringify([{ op: 'test', path: '/title', value: 'old' }])),
  ],
  ['deleted', (call, id) => call('delete', `/records/task/${id}`)],
];

describe("a record that is not the caller's to write is not", () => {
  it.each(CHANGES)('%s where it may be seen', async (_, change) => {
    const id = await add({ title: 'old', owner: 'lee', team: 'a' });
    expect(refusal(await change(clerk, id))).toBe(FORBIDDEN);
    expect(await stored(id)).toMatchObject({ title: 'old', owner: 'lee', revision: 1 });
  });

  it.each(CHANGES)('%s where it may not be seen, with the very same answer as a random id', async (_, change) => {
    const id = await add({ title: 'old', owner: 'kim', team: 'z' });
    const [hidden, random] = [await change(clerk, id), await change(clerk, randomUUID())];
    expect(refusal(hidden)).toBe('404 record/not-found');
    expect(said(hidden)).toEqual(said(random));
    expect((await stored(id)).revision).toBe(1);
  });

  it("changed into what is not the caller's", async () => {
    const id = await add({ title: 'old', owner: 'kim', team: 'a' });
    for (const body of [{ owner: 'lee' }, { team: 'z' }, { team: null }]) {
      expect(refusal(await clerk('patch', `/records/task/${id}`).send(body))).toBe(FORBIDDEN);
    }
    expect(refusal(await clerk('put', `/records/task/${id}`).send({ title: 'x' }))).toBe(FORBIDDEN);
    expect((await stored(id)).revision).toBe(1);
    await clerk('patch', `/records/task/${id}`).send({ team: 'b' }).expect(200);
  });

  it.each([{ owner: 'lee', team: 'a' }, { owner: 'kim', team: 'z' }, { owner: 'kim' }, {}])('inserted as %j', async (body) => {
    for (const sent of [body, [{ owner: 'kim', team: 'a' }, body]]) {
      expect(refusal(await clerk('post', '/records/task').send(sent))).toBe(FORBIDDEN);
    }
    expect((await admin('get', '/records/task')).body).toEqual([]);
    expect((await admin('get', '/audit?entity=task')).body.items.map(({ action }: { action: string }) => action)).not.toContain(
      'record.created',
    );
  });

  it('written over by its key, whether it may be seen or not', async () => {
    await add({ title: 'seen', owner: 'lee', team: 'a', code: 'seen' });
    await add({ title: 'hidden', owner: 'kim', team: 'z', code: 'hidden' });
    for (const [code, said] of [
      ['seen', FORBIDDEN],
      ['hidden', '409 record/duplicate'],
    ]) {
      const body = { title: 'over', owner: 'kim', team: 'a', code };
      for (const sent of [body, [body], [body, { ...body, code: 'other' }]]) {
        const merge = clerk('post', '/records/task?on_conflict=code').set('prefer', 'resolution=merge-duplicates').send(sent);
        expect(refusal(await merge)).toBe(said);
      }
      expect(refusal(await clerk('put', `/records/task?code=eq.${code}`).send(body))).toBe(said);
      expect(refusal(await clerk('post', '/records/task').send(body))).toBe('409 record/duplicate');
      const ignore = clerk('post', '/records/task?on_conflict=code').set('prefer', 'resolution=ignore-duplicates').send([body]);
      expect((await ignore.expect(200)).body).toEqual([]);
    }
    expect((await admin('get', '/records/task?select=title&order=title')).body).toEqual([{ title: 'hidden' }, { title: 'seen' }]);
  });

  it('changed or deleted by a filter that finds it among others', async () => {
    await add({ title: 'mine', owner: 'kim', team: 'a' });
    await add({ title: 'seen', owner: 'lee', team: 'a' });
    for (const change of [
      clerk('patch', '/records/task?team=eq.a').send({ title: 'x' }),
      clerk('delete', '/records/task?team=eq.a'),
    ]) {
      expect(refusal(await change)).toBe(FORBIDDEN);
    }
    expect((await admin('get', '/records/task?select=title,revision&order=title')).body).toEqual([
      { title: 'mine', revision: 1 },
      { title: 'seen', revision: 1 },
    ]);
  });

  it('found by a filter when it may not be seen', async () => {
    const hidden = await add({ title: 'hidden', owner: 'kim', team: 'z' });
    const mine = await add({ title: 'mine', owner: 'kim', team: 'a' });
    await clerk('patch', '/records/task?title=not.is.null').send({ title: 'x' }).expect(200);
    expect([(await stored(hidden)).title, (await stored(mine)).title]).toEqual(['hidden', 'x']);
    await clerk('delete', '/records/task?id=not.is.null').expect(204);
    expect((await admin('get', '/records/task?select=title')).body).toEqual([{ title: 'hidden' }]);
  });

  it('imported: such lines are refused, the others stored', async () => {
    const lines = [
      '{"owner":"kim","team":"a","title":"1"}',
      '{"owner":"lee","team":"a"}',
      '{"owner":"kim","team":"a","title":"3"}',
    ];
    const { body } = await clerk('post', '/imports/task?onError=skip')
      .set('content-type', 'application/x-ndjson')
      .send(lines.join('\n'));
    expect(body).toMatchObject({ stored: 2, failed: 1, errors: [{ line: 2, rule: 'row-forbidden' }] });
  });
});

describe('a relation to a record that may not be seen', () => {
  let own: string;
  const SAID = '409 record/reference-missing';

  beforeEach(async () => {
    const relation = { entity: 'task', onDelete: 'restrict' };
    const key = { entity: 'task', field: 'code', onDelete: 'restrict' };
    await tenant.define(
      'note',
      document({
        label: { ...text, unique: true },
        task: { ...text, format: 'uuid', relation },
        code: { ...text, relation: key },
      }),
    );
    own = (await admin('post', '/records/note').send({ label: 'own' }).expect(201)).body.id;
    // The rules of tasks hold for this caller, those of notes leave it all.
    clerk = await callAs(test, tenant, { roles: ['clerk'], subject: 'kim', claims: { teams: ['a'] } });
  });

  const WRITES: [string, (body: Record<string, unknown>) => ReturnType<Call>][] = [
    ['inserted', (body) => clerk('post', '/records/note').send(body)],
    ['inserted among others', (body) => clerk('post', '/records/note').send([{}, body])],
    ['patched', (body) => clerk('patch', `/records/note/${own}`).send(body)],
    ['replaced', (body) => clerk('put', `/records/note/${own}`).send(body)],
    ['patched by a filter', (body) => clerk('patch', '/records/note?label=eq.own').send(body)],
    ['put by its key', (body) => clerk('put', '/records/note?label=eq.own').send({ label: 'own', ...body })],
    ['put by a key nobody has', (body) => clerk('put', '/records/note?label=eq.new').send({ label: 'new', ...body })],
    [
      'merged',
      (body) =>
        clerk('post', '/records/note?on_conflict=label')
          .set('prefer', 'resolution=merge-duplicates')
          .send([{ label: 'own', ...body }, { label: 'more' }]),
    ],
    [
      'inserted where missing',
      (body) =>
        clerk('post', '/records/note?on_conflict=label')
          .set('prefer', 'resolution=ignore-duplicates')
          .send([{ label: 'new', ...body }]),
    ],
  ];

  it.each(WRITES)('is as missing as one to nothing when a record is %s', async (_, write) => {
    const hidden = await add({ team: 'z', owner: 'kim', code: 'hidden' });
    const [unseen, random] = [await write({ task: hidden }), await write({ task: randomUUID() })];
    expect(refusal(unseen)).toBe(SAID);
    expect(said(unseen)).toEqual(said(random));
    const [byCode, byNothing] = [await write({ code: 'hidden' }), await write({ code: 'nothing' })];
    expect(refusal(byCode)).toBe(SAID);
    expect(said(byCode)).toEqual(said(byNothing));
    expect((await admin('get', '/records/note?select=label,task')).body).toEqual([{ label: 'own' }]);
    const seen = await add({ team: 'a', owner: 'lee', code: 'seen' });
    expect((await write({ task: seen })).status).toBeLessThan(300);
  });

  it('is as missing in an import and in its dry run', async () => {
    const hidden = await add({ team: 'z' });
    for (const query of ['', '&dryRun=true']) {
      const lines = [hidden, randomUUID()].map((task) => JSON.stringify({ task }));
      const answer = await clerk('post', `/imports/note?onError=skip${query}`)
        .set('content-type', 'application/x-ndjson')
        .send(lines.join('\n'));
      const [first, second] = answer.body.errors;
      expect(answer.body).toMatchObject({ stored: 0, failed: 2 });
      expect({ ...first, line: 0 }).toEqual({ ...second, line: 0 });
    }
  });

  it('may stay where it was', async () => {
    const hidden = await add({ team: 'z' });
    await admin('patch', `/records/note/${own}`).send({ task: hidden }).expect(200);
    await clerk('patch', `/records/note/${own}`).send({ label: 'same' }).expect(200);
    await clerk('put', `/records/note/${own}`).send({ label: 'again', task: hidden }).expect(200);
  });
});

describe('a deletion that would take along what the caller may not write', () => {
  it.each([['cascade'], ['setNull']])('is refused for any id, by %s', async (onDelete) => {
    await tenant.define('folder', document({ name: text }));
    await tenant.define(
      'paper',
      document(
        { folder: { ...text, format: 'uuid', relation: { entity: 'folder', onDelete } }, owner: text },
        { rowRules: { clerk: { read: { owner: { eq: { claim: 'sub' } } } } } },
      ),
    );
    const folder = await add({ name: 'f' }, 'folder');
    await add({ folder, owner: 'lee' }, 'paper');
    for (const id of [folder, randomUUID()]) expect(refusal(await clerk('delete', `/records/folder/${id}`))).toBe(FORBIDDEN);
    expect(refusal(await clerk('delete', '/records/folder?name=eq.f'))).toBe(FORBIDDEN);
    expect((await admin('get', '/records/paper?select=folder,revision')).body).toEqual([{ folder, revision: 1 }]);
    await admin('delete', `/records/folder/${folder}`).expect(204);
  });
});

it("what is the caller's may be written, and who may write all is not asked", async () => {
  const { body } = await clerk('post', '/records/task').send({ owner: 'kim', team: 'a', code: 'k', title: '1' }).expect(201);
  await clerk('put', '/records/task?code=eq.k').send({ owner: 'kim', team: 'b', code: 'k', title: '2' }).expect(200);
  const merged = clerk('post', '/records/task?on_conflict=code').set('prefer', 'resolution=merge-duplicates');
  await merged
    .send([
      { code: 'k', title: '3', owner: 'kim', team: 'a' },
      { code: 'l', owner: 'kim', team: 'a' },
    ])
    .expect(201);
  await clerk('delete', `/records/task/${body.id}`).expect(204);
  const author = await callAs(test, tenant, { roles: ['author'], subject: 'lee' });
  const own = (await author('post', '/records/task').send({ title: 'own' }).expect(201)).body.id;
  await author('patch', `/records/task/${own}`).send({ title: 'mine' }).expect(200);
  const other = await callAs(test, tenant, { roles: ['author'], subject: 'kim' });
  expect(refusal(await other('delete', `/records/task/${own}`))).toBe(FORBIDDEN);
  await admin('patch', `/records/task/${own}`).send({ title: 'theirs' }).expect(200);
});

it("records of others that are the caller's to write are merged, alone and many at once", async () => {
  const rowRules = { clerk: { read: true, write: { created_by: { in: { claim: 'team' } } } } };
  await tenant.define('job', document({ code: { ...text, unique: true }, title: text }, { rowRules }));
  const [lee, ray] = await Promise.all(
    [
      ['lee', ['lee']],
      ['ray', ['lee', 'ray']],
    ].map(([subject, team]) =>
      callAs(test, tenant, { roles: ['clerk'], subject: subject as string, claims: { team: team as string[] } }),
    ),
  );
  await lee!('post', '/records/job')
    .send([{ code: 'a' }, { code: 'b' }])
    .expect(201);
  const boss = await callAs(test, tenant, { roles: ['clerk'], subject: 'boss', claims: { team: ['lee'] } });
  for (const [call, body] of [
    [ray, [{ code: 'a', title: 'r' }, { code: 'b', title: 'r' }, { code: 'c' }]],
    [
      boss,
      [
        { code: 'a', title: 's' },
        { code: 'b', title: 's' },
      ],
    ],
    [boss, { code: 'a', title: 't' }],
  ] as const) {
    const merge = call!('post', '/records/job?on_conflict=code').set('prefer', 'resolution=merge-duplicates');
    expect((await merge.send(body)).status).toBeLessThan(300);
  }
  expect((await admin('get', '/records/job?select=code,title,created_by,revision&order=code')).body).toEqual([
    { code: 'a', title: 't', created_by: 'lee', revision: 4 },
    { code: 'b', title: 's', created_by: 'lee', revision: 3 },
    { code: 'c', created_by: 'ray', revision: 1 },
  ]);
  expect(refusal(await boss('post', '/records/job').send({ code: 'd' }))).toBe(FORBIDDEN);
});

it('the service refuses by itself what the policies would, each lock alone', async () => {
  const seen = await add({ title: 'seen', owner: 'lee', team: 'a', code: 'seen' });
  const hidden = await add({ title: 'hidden', owner: 'kim', team: 'z', code: 'hidden' });
  const own = await add({ title: 'own', owner: 'kim', team: 'a', code: 'own' });
  for (const name of ROW_RULE_POLICIES) await test.database.admin(`drop policy ${name} on "${tenant.schemaName}".task`);
  expect((await clerk('get', '/records/task?select=title&order=title')).body).toEqual([{ title: 'own' }, { title: 'seen' }]);
  const merging = (body: object) =>
    clerk('post', '/records/task?on_conflict=code').set('prefer', 'resolution=merge-duplicates').send(body);
  const lines = '{"owner":"lee","team":"a"}';
  const refused: [string, ReturnType<Call>][] = [
    ['404 record/not-found', clerk('get', `/records/task/${hidden}`)],
    ['404 record/not-found', clerk('patch', `/records/task/${hidden}`).send({ title: 'x' })],
    ['404 record/not-found', clerk('delete', `/records/task/${hidden}`)],
    [FORBIDDEN, clerk('patch', `/records/task/${seen}`).send({ title: 'x' })],
    [FORBIDDEN, clerk('delete', `/records/task/${seen}`)],
    [FORBIDDEN, clerk('patch', `/records/task/${own}`).send({ team: 'z' })],
    [FORBIDDEN, clerk('post', '/records/task').send({ owner: 'kim', team: 'z' })],
    [FORBIDDEN, clerk('post', '/records/task').send([{ owner: 'kim', team: 'a' }, {}])],
    [FORBIDDEN, clerk('patch', '/records/task?title=eq.own').send({ owner: 'lee' })],
    [FORBIDDEN, clerk('patch', '/records/task?team=eq.a').send({ title: 'x' })],
    [FORBIDDEN, merging({ code: 'own', owner: 'lee' })],
    [FORBIDDEN, merging({ code: 'new', owner: 'lee', team: 'a' })],
    [
      FORBIDDEN,
      merging([
        { code: 'own', owner: 'lee' },
        { code: 'new', owner: 'kim', team: 'a' },
      ]),
    ],
    [FORBIDDEN, merging({ code: 'seen', title: 'x' })],
    ['409 record/duplicate', merging({ code: 'hidden', owner: 'kim', team: 'a' })],
    [FORBIDDEN, clerk('put', '/records/task?code=eq.own').send({ code: 'own', owner: 'lee', team: 'a' })],
    ['422 import/aborted', clerk('post', '/imports/task').set('content-type', 'application/x-ndjson').send(lines)],
  ];
  for (const [said, request] of refused) expect(refusal(await request)).toBe(said);
  expect((await admin('get', '/records/task?select=title,revision&order=title')).body).toEqual(
    ['hidden', 'own', 'seen'].map((title) => ({ title, revision: 1 })),
  );
});

it('a refusal by row rules is in the trail of the tenant', async () => {
  const id = await add({ title: 'old', owner: 'lee', team: 'a' });
  await clerk('delete', `/records/task/${id}`).expect(403);
  const { body } = await admin('get', '/audit?limit=50').expect(200);
  expect(JSON.stringify(body.items)).toContain('denied');
});
