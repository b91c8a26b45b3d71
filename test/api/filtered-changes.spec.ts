/** Changes and deletions of whatever a filter finds: none without one, all or nothing, each with its event, never another tenant's. */

import { randomUUID } from 'node:crypto';
import type { Role } from '../../src/access/principal.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

type Call = Awaited<ReturnType<TestTenant['as']>>;

let test: TestService;
let tenant: TestTenant;
let call: Call;
let rest: Call;

beforeAll(async () => {
  test = await startTestService({ MAX_CHANGED_ROWS: '20' });
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as('editor');
  rest = await restOf(tenant);
  for (const [name, document] of Object.entries(DOCUMENTS)) await tenant.define(name, document);
});

afterAll(() => test.stop());

const DOCUMENTS = {
  team: { type: 'object', properties: { name: { type: 'string' } } },
  task: {
    type: 'object',
    additionalProperties: false,
    required: ['name', 'owner'],
    properties: {
      name: { type: 'string', maxLength: 10 },
      code: { type: 'string', unique: true },
      owner: { type: ['string', 'null'] },
      points: { type: 'integer', maximum: 10 },
      state: { type: 'string', default: 'open' },
      place: { type: 'object', properties: { city: { type: 'string' }, street: { type: 'string' } } },
      pin: { type: 'string', writeOnly: true },
      origin: { type: 'string', immutable: true },
      team: { type: 'string', format: 'uuid', relation: { entity: 'team', onDelete: 'cascade' } },
    },
  },
  badge: {
    type: 'object',
    properties: {
      name: { type: 'string' },
      task: { type: 'string', format: 'uuid', relation: { entity: 'task', onDelete: 'setNull' } },
    },
  },
  seal: { type: 'object', properties: { task: { type: 'string', format: 'uuid', relation: { entity: 'task' } } } },
  careful: { type: 'object', concurrency: 'required', properties: { name: { type: 'string' } } },
};

async function restOf(of: TestTenant, role: Role = 'editor'): Promise<Call> {
  const token = await test.token([role], of.id);
  return (method: Method, path: string) => test.request(token, method, `/rest/v1${path}`);
}

type Stored = { readonly id: string; readonly revision: number; readonly [member: string]: unknown };

async function insert(entity: string, record: object, as = call): Promise<Stored> {
  return (await as('post', `/records/${entity}`).send(record).expect(201)).body;
}
const task = (name: string, more: object = {}) => insert('task', { name, owner: null, ...more });
const all = async (entity = 'task', as = call): Promise<Stored[]> =>
  (await as('get', `/records/${entity}?order=name`).expect(200)).body;
const shown = async () => (await all()).map(({ name, state, revision }) => `${name} ${state} ${revision}`);
const patch = (query: string, body: object) => call('patch', `/records/task${query}`).send(body);
const trail = async () => {
  const { rows } = await test.database.admin(
    "select action, entity, record_id, body::json as body from audit.events where tenant_id = $1 and action like 'record.%' order by event_id",
    [tenant.id],
  );
  return rows as { action: string; entity: string; record_id: string; body: Record<string, Record<string, unknown>> }[];
};

describe('a change by filters is refused', () => {
  it('without a filter: what has none would mean everything', async () => {
    await task('a');
    for (const query of ['', '?', '?select=name', '?order=name', '?columns=state']) {
      expect(refusal(await patch(query, { state: 'done' }))).toBe('400 request/invalid-query');
    }
    for (const query of ['', '?select=name']) {
      const answer = await call('delete', `/records/task${query}`);
      expect([refusal(answer), answer.body.detail]).toEqual([
        '400 request/invalid-query',
        expect.stringContaining('id=not.is.null'),
      ]);
    }
    expect((await rest('patch', '/task').send({ state: 'done' })).body.code).toBe('PGRST100');
    expect((await rest('delete', '/task')).body.code).toBe('PGRST100');
    expect(await shown()).toEqual(['a open 1']);
    await patch('?id=not.is.null', { state: 'done' }).expect(200);
    expect(await shown()).toEqual(['a done 2']);
  });

  it.each([
    '?colour=eq.red',
    '?pin=eq.1',
    '?name=like',
    '?limit=1&name=eq.a',
    '?offset=1&name=eq.a',
    '?tenant_id=not.is.null',
    '?name=eq.a&select=colour',
    `?${encodeURIComponent('name"; drop table task; --')}=eq.a`,
    `?or=(${encodeURIComponent('name.eq.a) or (true')})`,
  ])('for %s', async (query) => {
    await task('a');
    expect(refusal(await patch(query, { state: 'done' }))).toBe('400 request/invalid-query');
    expect(refusal(await call('delete', `/records/task${query}`))).toBe('400 request/invalid-query');
    expect(await shown()).toEqual(['a open 1']);
  });

  it.each<Role>(['viewer', 'auditor'])('from the role %s', async (role) => {
    const { id } = await task('a');
    const reader = await tenant.as(role);
    expect(refusal(await reader('patch', `/records/task?id=eq.${id}`).send({ state: 'done' }))).toBe('403 auth/forbidden');
    expect(refusal(await reader('delete', `/records/task?id=eq.${id}`))).toBe('403 auth/forbidden');
    const restReader = await restOf(tenant, role);
    expect((await restReader('patch', `/task?id=eq.${id}`).send({ state: 'done' })).status).toBe(403);
    expect((await restReader('put', `/task?id=eq.${id}`).send({ id, name: 'b', owner: null })).status).toBe(403);
    expect((await restReader('delete', `/task?id=eq.${id}`)).status).toBe(403);
    expect(await shown()).toEqual(['a open 1']);
  });

  it('with If-Match, and where records are changed only with it', async () => {
    const { id } = await task('a');
    const careful = await insert('careful', { name: 'a' });
    for (const method of ['patch', 'delete'] as const) {
      const conditional = call(method, `/records/task?id=eq.${id}`).set('if-match', '"1"').send({ state: 'done' });
      expect(refusal(await conditional)).toBe('400 request/invalid-header');
      const required = call(method, `/records/careful?id=eq.${careful.id}`).send({ name: 'b' });
      expect(refusal(await required)).toBe('428 record/precondition-required');
    }
    expect(await shown()).toEqual(['a open 1']);
  });

  it('where one record would not be valid, and then changes none', async () => {
    const ids = [];
    for (const origin of ['x', undefined, 'y']) ids.push((await task('a', origin === undefined ? {} : { origin })).id);
    const answer = await patch('?name=eq.a', { origin: 'x' });
    expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', ['/origin immutable']]);
    expect(answer.body.detail).toContain(ids[1]);
    for (const [body, fault] of [
      [{ name: 'x'.repeat(11) }, '/name maxLength'],
      [{ name: null }, '/name required'],
      [{ colour: 'red' }, '/colour additionalProperties'],
      [{ revision: 7 }, '/revision readOnly'],
      [{ tenant_id: randomUUID() }, '/tenant_id readOnly'],
      [{ id: randomUUID() }, '/id readOnly'],
      [[], ' type'],
    ] as const) {
      expect(faultsOf(await patch('?name=eq.a', body))).toEqual([fault]);
    }
    expect(await shown()).toEqual(['a open 1', 'a open 1', 'a open 1']);
    expect(await trail()).toHaveLength(3);
  });

  it('where it would give two records one unique value', async () => {
    await task('a');
    await task('a');
    const answer = await patch('?name=eq.a', { code: 'A' });
    expect([refusal(answer), faultsOf(answer)]).toEqual(['409 record/duplicate', ['/code unique']]);
  });

  it('of more records than it says, and of more than the service takes', async () => {
    for (let i = 0; i < 3; i++) await task('a');
    const limited = (prefer: string) => patch('?name=eq.a', { state: 'done' }).set('prefer', prefer);
    const answer = await limited('handling=strict, max-affected=2');
    expect([refusal(answer), answer.body.limit]).toEqual(['400 record/too-many-affected', 2]);
    const removal = call('delete', '/records/task?name=eq.a').set('prefer', 'handling=strict, max-affected=2');
    expect(refusal(await removal)).toBe('400 record/too-many-affected');
    expect(await shown()).toEqual(['a open 1', 'a open 1', 'a open 1']);
    const done = await limited('handling=strict, max-affected=3').expect(200);
    expect(done.headers['preference-applied']).toBe('max-affected=3, handling=strict');
    await limited('max-affected=2').expect(200);
    await call('post', '/records/task')
      .send(Array.from({ length: 18 }, () => ({ name: 'a', owner: null })))
      .expect(201);
    expect(refusal(await patch('?name=eq.a', { state: 'new' }))).toBe('413 record/too-many');
    expect(refusal(await call('delete', '/records/task?name=eq.a'))).toBe('413 record/too-many');
    expect(await all()).toHaveLength(21);
  });

  it('as a JSON patch or as anything else that is no JSON, and says what is taken', async () => {
    const { id } = await task('a');
    for (const type of ['application/json-patch+json', 'text/plain']) {
      const answer = await call('patch', `/records/task?id=eq.${id}`).set('content-type', type).send('[]');
      expect([refusal(answer), answer.headers['accept-patch']]).toEqual([
        '415 request/unsupported-media-type',
        'application/merge-patch+json, application/json',
      ]);
    }
  });

  it('and one foreign id among many is like one that nobody has', async () => {
    const other = await test.tenant();
    await other.define('team', DOCUMENTS.team);
    await other.define('task', DOCUMENTS.task);
    const theirs = await other.as('editor');
    const foreign = await insert('task', { name: 'theirs', owner: null }, theirs);
    const own = [(await task('a')).id, (await task('b')).id];
    const told = async (id: string, revision: number) => {
      const query = `?id=in.(${[...own, id].join(',')})&order=name`;
      const changed = await patch(query, { state: `now ${revision}` }).set('prefer', 'count=exact');
      const kept = changed.body.map((record: Stored) => ({ ...record, updated_at: '', revision: 0, state: '' }));
      const removed = await call('delete', `/records/task?id=eq.${id}`).set('prefer', 'return=representation, count=exact');
      const alone = await patch(`?id=eq.${id}`, { state: 'x' }).set('prefer', 'count=exact');
      return [
        changed.status,
        changed.headers['content-range'],
        kept,
        removed.status,
        removed.body,
        alone.status,
        alone.body,
        removed.headers['content-range'],
      ];
    };
    expect(await told(foreign.id, 1)).toEqual(await told(randomUUID(), 2));
    expect((await theirs('get', `/records/task/${foreign.id}`)).body).toEqual(foreign);
    const { rows } = await test.database.admin(
      "select action from audit.events where tenant_id = $1 and action like 'record.%'",
      [other.id],
    );
    expect(rows).toEqual([{ action: 'record.created' }]);
  });
});

describe('a change by filters', () => {
  it('changes what lists find by the same words, and tells of each before and after', async () => {
    await task('a', { points: 1, place: { city: 'Oslo', street: 'x' } });
    const b = await task('b', { points: 5, place: { city: 'Rome', street: 'y' }, pin: '1' });
    await task('c', { points: 9 });
    const found = '?or=(points.gt.8,place->>city.eq.Rome)&points=not.is.null';
    const { body, headers } = await patch(found, { state: 'done', place: { street: null } })
      .set('prefer', 'count=exact')
      .expect(200);
    expect(body.map(({ name, state, place, revision }: Stored) => [name, state, place, revision])).toEqual([
      ['b', 'done', { city: 'Rome' }, 2],
      ['c', 'done', {}, 2],
    ]);
    expect(headers['content-range']).toBe('0-1/2');
    expect(await shown()).toEqual(['a open 1', 'b done 2', 'c done 2']);
    const told = (await trail()).filter(({ action }) => action === 'record.updated');
    expect(told).toHaveLength(2);
    expect(told[0]).toMatchObject({
      record_id: b.id,
      body: {
        before: { name: 'b', state: 'open', place: { city: 'Rome', street: 'y' } },
        after: { name: 'b', state: 'done', place: { city: 'Rome' } },
      },
    });
    const { rows } = await test.database.admin(`select pin from "${tenant.schemaName}".task where id = $1`, [b.id]);
    expect(rows).toEqual([{ pin: '1' }]);
  });

  it('answers as select has it, or not at all', async () => {
    const team = await insert('team', { name: 'red' });
    await task('b', { team: team.id, place: { city: 'Oslo' } });
    await task('a', { team: team.id });
    const whole = '?state=eq.open&select=name,city:place->>city,revision::text,team(name)&order=name.desc';
    expect((await patch(whole, { owner: 'me' }).expect(200)).body).toEqual([
      { name: 'b', city: 'Oslo', revision: '2', team: { name: 'red' } },
      { name: 'a', city: null, revision: '2', team: { name: 'red' } },
    ]);
    expect((await patch('?name=eq.a&select=title:name,id', { owner: null }).expect(200)).body).toEqual([
      { title: 'a', id: expect.any(String) },
    ]);
    const silent = await patch('?name=eq.a', { owner: 'you' }).set('prefer', 'return=minimal').expect(204);
    expect(silent.headers['preference-applied']).toBe('return=minimal');
    expect((await patch('?name=eq.nobody', { owner: 'you' }).expect(200)).body).toEqual([]);
  });

  it('answers with what failed to be computed as a refusal, and keeps nothing', async () => {
    await task('a', { place: { city: 'Oslo' } });
    expect(refusal(await patch('?name=eq.a&select=place->>city::integer', { state: 'done' }))).toBe('400 request/invalid-query');
    expect(
      refusal(
        await call('delete', '/records/task?name=eq.a&select=place->>city::integer').set('prefer', 'return=representation'),
      ),
    ).toBe('400 request/invalid-query');
    expect(await shown()).toEqual(['a open 1']);
  });

  it('waits for another change of the same records and starts from its end', async () => {
    for (let i = 0; i < 5; i++) await task('a', { points: 0 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => patch('?name=eq.a', { points: n % 10, state: `by ${n}` })),
    );
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect((await all()).map(({ revision }) => revision)).toEqual(Array(5).fill(21));
    expect((await trail()).filter(({ action }) => action === 'record.updated')).toHaveLength(100);
  });

  it('below /rest/v1 changes nothing by an empty body, and says that there are no rows', async () => {
    const { id } = await task('a');
    const quiet = await rest('patch', `/task?id=eq.${id}`).send({}).expect(204);
    const told = await rest('patch', `/task?id=eq.${id}`)
      .set('prefer', 'return=representation, count=exact')
      .send({})
      .expect(200);
    expect([quiet.headers['content-range'], told.headers['content-range'], told.body]).toEqual(['*/*', '*/0', []]);
    expect((await all()).map(({ revision }) => revision)).toEqual([1]);
    await rest('patch', '/task').send({}).expect(400);
  });

  it('below /rest/v1 replaces whole values, takes null as absent, and says nothing unless it is asked', async () => {
    const { id } = await task('a', { points: 3, owner: 'me', place: { city: 'Oslo', street: 'x' } });
    const change = (body: object) => rest('patch', `/task?id=eq.${id}`).send(body);
    const silent = await change({ place: { street: 'y' } }).expect(204);
    expect([silent.text, silent.headers['content-range']]).toEqual(['', '0-0/*']);
    const { body } = await change({ points: null, owner: null, state: null })
      .set('prefer', 'return=representation, count=exact')
      .expect(200);
    expect(body).toMatchObject([{ points: null, owner: null, state: null, place: { street: 'y' } }]);
    const kept = (await call('get', `/records/task/${id}`)).body;
    expect(['points' in kept, 'state' in kept, kept.owner]).toEqual([false, false, null]);
    const refused = await change({ name: null });
    expect([refused.status, refused.body.code]).toEqual([422, '23514']);
    const merge = rest('patch', `/task?id=eq.${id}`).set('content-type', 'application/merge-patch+json');
    await merge.send(JSON.stringify({ place: { city: 'Rome' } })).expect(204);
    expect((await call('get', `/records/task/${id}`)).body.place).toEqual({ street: 'y', city: 'Rome' });
  });

  it('below /rest/v1 is one object where that is asked for, or nothing is changed', async () => {
    await task('a');
    await task('a');
    const one = (query: string, body: object) =>
      rest('patch', `/task?${query}`)
        .set('accept', 'application/vnd.pgrst.object+json')
        .set('prefer', 'return=representation')
        .send(body);
    const two = await one('name=eq.a', { state: 'done' });
    expect([two.status, two.body.code]).toEqual([406, 'PGRST116']);
    expect((await one('name=eq.nobody', { state: 'done' })).status).toBe(406);
    expect(await shown()).toEqual(['a open 1', 'a open 1']);
    const [{ id }] = (await all()) as [Stored];
    const answer = await one(`id=eq.${id}&select=name,state`, { state: 'done' }).expect(200);
    expect([JSON.parse(answer.text), answer.headers['content-type']]).toEqual([
      { name: 'a', state: 'done' },
      'application/vnd.pgrst.object+json; charset=utf-8',
    ]);
  });
});

describe('a deletion by filters', () => {
  it('takes along and empties what refers to the records, each with its event, those that were found last', async () => {
    const teams = [
      await insert('team', { name: 'red' }),
      await insert('team', { name: 'red' }),
      await insert('team', { name: 'blue' }),
    ];
    const gone = [await task('a', { team: teams[0]?.id }), await task('b', { team: teams[1]?.id })];
    await task('c', { team: teams[2]?.id });
    const badge = await insert('badge', { name: 'x', task: gone[0]?.id });
    const answer = await call('delete', '/records/team?name=eq.red').expect(204);
    expect([answer.text, (await all()).map(({ name }) => name)]).toEqual(['', ['c']]);
    expect((await call('get', `/records/badge/${badge.id}`)).body).not.toHaveProperty('task');
    const told = (await trail()).slice(-5).map(({ action, entity }) => `${action} ${entity}`);
    expect(told).toEqual([
      ...['record.updated badge', 'record.deleted task', 'record.deleted task', 'record.deleted team', 'record.deleted team'],
    ]);
  });

  it('is refused where one of them is restricted, and leaves all', async () => {
    const [first] = [await task('a'), await task('a')];
    await insert('seal', { task: first?.id });
    expect(refusal(await call('delete', '/records/task?name=eq.a'))).toBe('409 record/still-referenced');
    expect(await shown()).toEqual(['a open 1', 'a open 1']);
  });

  it('answers with what is gone when it is asked, computed and embedded as it was', async () => {
    const team = await insert('team', { name: 'red' });
    await task('a', { team: team.id });
    await task('b', { points: 2, pin: '1' });
    const remove = (query: string) =>
      call('delete', `/records/task?${query}`).set('prefer', 'return=representation, count=exact');
    const embedded = await remove('name=eq.a&select=name,team(name)').expect(200);
    expect([embedded.body, embedded.headers['content-range']]).toEqual([[{ name: 'a', team: { name: 'red' } }], '*/1']);
    const { body } = await remove('name=eq.b').expect(200);
    expect(body).toMatchObject([{ name: 'b', points: 2, revision: 1 }]);
    expect(body[0]).not.toHaveProperty('pin');
    expect(await all()).toEqual([]);
  });

  it('below /rest/v1 has no body, and the number in Content-Range', async () => {
    await task('a');
    await task('a');
    const answer = await rest('delete', '/task?name=eq.a').set('prefer', 'count=exact').expect(204);
    expect([answer.text, answer.headers['content-range']]).toEqual(['', '*/2']);
    expect((await rest('delete', '/task?name=eq.a').expect(204)).headers['content-range']).toBe('*/*');
  });
});
