/** Lists and records as they were at an instant: the same answer as was given then, whatever became of records and documents since. */

import { randomUUID } from 'node:crypto';
import type { RunningService } from '../../src/start.js';
import { type Call, change, contentOf } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { seededRandom } from '../harness/random.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

type Stored = { readonly id: string; readonly revision: number; readonly updated_at: string; readonly [member: string]: unknown };

let test: TestService;
let tenant: TestTenant;
let call: Call;
let second: RunningService;

beforeAll(async () => {
  test = await startTestService();
  second = await test.another();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
});

afterAll(async () => {
  await second.stop();
  await test.stop();
});

/** Keeps its history, unless `rest` says otherwise. */
function entity(properties: object = {}, rest: object = {}) {
  return { type: 'object', history: 'full', properties: { name: { type: 'string' }, ...properties }, ...rest };
}
const to = (target: string, onDelete: string, inverse: string) => ({
  type: 'string',
  format: 'uuid',
  relation: { entity: target, onDelete, inverse },
});

const insert = async (of: string, record: object): Promise<Stored> =>
  (await call('post', `/records/${of}`).send(record).expect(201)).body;
const patch = async (of: string, id: string, body: object): Promise<Stored> =>
  (await call('patch', `/records/${of}/${id}`).send(body).expect(200)).body;
const asOf = (path: string, at: string) => call('get', `${path}${path.includes('?') ? '&' : '?'}asOf=${encodeURIComponent(at)}`);

/** What the database's clock says, between two requests. */
async function now(): Promise<string> {
  const { rows } = await test.database.admin(
    `select to_char(clock_timestamp() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at`,
  );
  return rows[0].at;
}

/** The same request to the other instance. */
async function elsewhere(path: string): Promise<{ status: number; text: string }> {
  const token = await test.token(['admin'], tenant.id);
  const answer = await fetch(`${second.url}/api/v1/tenants/${tenant.id}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  return { status: answer.status, text: await answer.text() };
}

describe('an instant is refused', () => {
  it('of an entity without a history, and of one that has it with one that has not', async () => {
    await tenant.define('plain', { type: 'object', properties: { name: { type: 'string' } } });
    await tenant.define('note', entity({ plain: to('plain', 'restrict', 'notes') }));
    const { id } = await insert('plain', { name: 'p' });
    const note = await insert('note', { name: 'n', plain: id });
    const at = note.updated_at;
    for (const path of [
      '/records/plain',
      `/records/plain/${id}`,
      '/records/note?select=name,plain(name)',
      '/records/note?select=name,plain!inner()',
      '/records/plain?select=name,notes(name)',
      '/records/note?select=name,...plain(other:name)',
      '/records/note?select=name,plain()&order=plain(name)',
      '/records/note?select=name,plain()&plain=not.is.null',
    ]) {
      const answer = await asOf(path, at);
      expect([path, refusal(answer), answer.body.entity]).toEqual([path, '409 past/not-kept', 'plain']);
    }
    expect((await asOf('/records/note', at)).body).toEqual([note]);
    expect(refusal(await asOf('/records/nobody', at))).toBe('404 entity/not-found');
  });

  it('that is still to come, or from before anything was kept', async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', {});
    for (const path of ['/records/note', `/records/note/${id}`]) {
      for (const at of ['2999-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z', '2999-01-01']) {
        expect(refusal(await asOf(path, at))).toBe('400 request/invalid-query');
      }
      for (const at of ['2020-01-01', '1970-01-01T00:00:00Z', '0001-01-01', '2020-06-01T00:00:00+14:00']) {
        const answer = await asOf(path, at);
        expect([refusal(answer), answer.body.entity]).toEqual(['400 past/out-of-reach', 'note']);
        expect((await asOf(path, answer.body.since)).status).toBe(path === '/records/note' ? 200 : 404);
      }
    }
  });

  it.each([
    ...[
      '',
      'x',
      'now',
      'infinity',
      '-infinity',
      'today',
      '2026',
      '2026-02-30',
      '2026-13-01',
      '2026-01-01T25:00:00Z',
      '1700000000',
    ],
    ...['2026-01-01T00:00:00', '2026-01-01T00:00:00+02:00', "2026-01-01'--", '2026-01-01 00:00:00 Europe/Berlin', '20000-01-01'],
  ])('that is none: %j, a plus sign unescaped among them', async (text) => {
    await tenant.define('note', entity());
    const { id } = await insert('note', {});
    for (const path of ['/records/note', `/records/note/${id}`]) {
      const answer = await call('get', `${path}?asOf=${text.replaceAll(' ', '%20')}`);
      // A date-time without an offset is taken as UTC, or not at all; never as somebody's local time.
      expect(refusal(answer)).toMatch(/^400 (?:request\/invalid-query|past\/out-of-reach)$/);
    }
  });

  it('that is given twice', async () => {
    await tenant.define('note', entity());
    const { id, updated_at: at } = await insert('note', {});
    for (const path of ['/records/note', `/records/note/${id}`]) {
      expect(refusal(await call('get', `${path}?asOf=${at}&asOf=${at}`))).toBe('400 request/invalid-query');
    }
  });

  it('of every write, every export and every import: what was is read', async () => {
    await tenant.define('note', entity({ code: { type: 'string', unique: true } }, { softDelete: true }));
    const { id, updated_at: at } = await insert('note', { name: 'a', code: 'A' });
    const token = await test.token(['admin'], tenant.id);
    const rest = (method: Method, path: string) => test.request(token, method, `/rest/v1${path}`);
    for (const answer of [
      await asOf('/exports/note?format=ndjson', at),
      await call('post', `/records/note?asOf=${at}`).send({ name: 'b' }),
      await call('patch', `/records/note?name=eq.a&asOf=${at}`).send({ name: 'b' }),
      await call('delete', `/records/note?name=eq.a&asOf=${at}`),
      await call('put', `/records/note?code=eq.A&asOf=${at}`).send({ code: 'A', name: 'b' }),
      await call('patch', `/records/note/${id}?asOf=${at}`).send({ name: 'b' }),
      await call('put', `/records/note/${id}?asOf=${at}`).send({ name: 'b' }),
      await call('delete', `/records/note/${id}?asOf=${at}`),
    ]) {
      expect(refusal(answer)).toBe('400 request/invalid-query');
    }
    for (const answer of [
      await rest('patch', `/note?name=eq.a&asOf=${at}`).send({ name: 'b' }),
      await rest('delete', `/note?name=eq.a&asOf=${at}`),
    ]) {
      expect([answer.status, answer.body.code]).toEqual([400, 'PGRST100']);
    }
    const imported = await call('post', `/imports/note?asOf=${at}`)
      .set('content-type', 'application/x-ndjson')
      .send('{"name":"b"}');
    expect(refusal(imported)).toBe('400 request/invalid-query');
    expect((await call('get', '/records/note')).body).toEqual([expect.objectContaining({ id, revision: 1, name: 'a' })]);
  });

  it('with a cursor of another instant, or of now, and a cursor of then without it', async () => {
    await tenant.define('note', entity({ n: { type: 'integer' } }));
    for (let n = 0; n < 5; n++) await insert('note', { n });
    const instants = [await now(), await now()];
    const cursorOf = async (path: string) => {
      const { headers } = await call('get', path);
      return new URL(/<([^>]+)>; rel="next"/.exec(String(headers.link))?.[1] ?? '', 'http://x').searchParams.get('after') ?? '';
    };
    const list = '/records/note?order=n&limit=2';
    const cursors = [
      await cursorOf(list),
      await cursorOf(`${list}&asOf=${instants[0]}`),
      await cursorOf(`${list}&asOf=${instants[1]}`),
    ];
    for (const [index, cursor] of cursors.entries()) {
      expect(cursor).not.toBe('');
      for (const [other, query] of ['', `&asOf=${instants[0]}`, `&asOf=${instants[1]}`].entries()) {
        const answer = await call('get', `${list}${query}&after=${encodeURIComponent(cursor)}`);
        if (other === index) expect(answer.body.map(({ n }: { n: number }) => n)).toEqual([2, 3]);
        else expect(refusal(answer)).toBe('400 request/invalid-cursor');
      }
    }
  });

  it('by the values of a type that not every value of then has, unless they are left out', async () => {
    await tenant.define('note', entity({ n: { type: 'string' } }));
    const { id } = await insert('note', { name: 'a', n: '7' });
    const at = await now();
    await change(call, 'note', entity({ n: { type: 'integer' } }), ['destructive', 'lossy']);
    for (const path of [
      '/records/note',
      `/records/note/${id}`,
      '/records/note?select=n',
      '/records/note?select=id&n=gt.1',
      '/records/note?select=id&order=n',
    ]) {
      const answer = await asOf(path, at);
      expect([refusal(answer), answer.body.entity, answer.body.property, answer.body.version]).toEqual([
        ...['409 past/type-changed', 'note', 'n', 2],
      ]);
    }
    expect((await asOf('/records/note?select=name', at)).body).toEqual([{ name: 'a' }]);
    const later = await now();
    expect((await asOf('/records/note?select=n', later)).body).toEqual([{ n: 7 }]);
  });

  it('after its retention, and after it was switched off until it is on again', async () => {
    await tenant.define('note', entity());
    await insert('note', {});
    const at = await now();
    await change(call, 'note', { type: 'object', properties: { name: { type: 'string' } } });
    expect(refusal(await asOf('/records/note', at))).toBe('409 past/not-kept');
    await tenant.define('note', entity());
    expect(refusal(await asOf('/records/note', at))).toBe('400 past/out-of-reach');
    // Other instances may not have heard of it yet, and keep nothing until they have.
    expect(refusal(await asOf('/records/note', await now()))).toBe('400 past/out-of-reach');
    await test.database.admin(
      `update business_store_service.past_tables set since = since - interval '1 minute' where tenant_id = $1`,
      [tenant.id],
    );
    expect((await asOf('/records/note', await now())).body).toHaveLength(1);
    await change(call, 'note', entity({}, { retention: { historyDays: 3 } }));
    await test.database.admin(
      `update business_store_service.past_tables set since = since - interval '10 days' where tenant_id = $1`,
      [tenant.id],
    );
    const days = (n: number) => new Date(Date.parse(at) - n * 86_400_000).toISOString();
    expect((await asOf('/records/note', days(2.9))).body).toEqual([]);
    const answer = await asOf('/records/note', days(3.1));
    expect([refusal(answer), answer.body.entity]).toEqual(['400 past/out-of-reach', 'note']);
  });

  it("of another tenant, whose records are nobody else's", async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', { name: 'ours' });
    const at = await now();
    const stranger = await test.tenant();
    await stranger.define('note', entity());
    const theirs = await stranger.as();
    const later = await now();
    expect((await theirs('get', `/records/note?asOf=${later}`)).body).toEqual([]);
    expect(refusal(await theirs('get', `/records/note/${id}?asOf=${later}`))).toBe('404 record/not-found');
    expect(refusal(await theirs('get', `/records/note?asOf=${at}`))).toBe('400 past/out-of-reach');
  });
});

describe('a record as of an instant', () => {
  it('is there from its creation to its deletion, each time as it was, with its tag', async () => {
    await tenant.define('note', entity({ pin: { type: 'string', writeOnly: true } }, { softDelete: true }));
    const before = await now();
    const first = await insert('note', { name: 'a', pin: 'secret', loose: [1] });
    const at = await now();
    const next = await patch('note', first.id, { name: 'b', pin: 'secret-2', loose: null });
    const path = `/records/note/${first.id}`;
    await call('delete', path).expect(204);
    const gone = await now();
    const restored = (await call('post', `/deleted/note/${first.id}/restore`).expect(200)).body;
    for (const missing of [before, gone]) expect(refusal(await asOf(path, missing))).toBe('404 record/not-found');
    for (const [instant, record] of [
      [first.updated_at, first],
      [at, first],
      [next.updated_at, next],
      [await now(), restored],
    ] as const) {
      const answer = await asOf(path, instant);
      expect([answer.status, answer.body, answer.headers.etag]).toEqual([200, record, `"${record.revision}"`]);
      expect(answer.headers['memento-datetime']).toBe(new Date(instant).toUTCString());
      expect((await asOf(path, instant).set('if-none-match', `"${record.revision}"`)).status).toBe(304);
      expect(answer.text).not.toContain('secret');
    }
    const offset = first.updated_at.replace(/T(\d\d)/, (_, hour) => `T${hour}`).replace('Z', '-00:00');
    expect((await asOf(path, offset)).body).toEqual(first);
    expect(refusal(await asOf(`/records/note/${randomUUID()}`, at))).toBe('404 record/not-found');
    expect(refusal(await asOf('/records/note/nonsense', at))).toBe('404 record/not-found');
  });

  it('is asked for however the name is written, and a property of that name is filtered', async () => {
    await tenant.define('note', entity({ asOf: { type: 'string' } }));
    const note = await insert('note', { name: 'a', asOf: 'x' });
    const at = await now();
    await patch('note', note.id, { name: 'b', asOf: 'y' });
    expect((await call('get', `/records/note/${note.id}?as%4Ff=${at}`)).body).toEqual(note);
    expect((await call('get', `/records/note?as%4Ff=${at}`)).body).toEqual([note]);
    expect((await call('get', '/records/note?asOf=eq.y&select=name')).body).toEqual([{ name: 'b' }]);
    expect((await call('get', `/records/note?asOf=${at}&and=(asOf.eq.x)&select=name`)).body).toEqual([{ name: 'a' }]);
  });
});

/** Asked after every step, and again at the end of its instant. */
const QUERIES = [
  '/records/folder?order=id',
  '/records/file?order=id',
  '/records/file?size=gte.4&order=size.desc.nullslast,id&select=name,size',
  '/records/folder?select=name,files(name,size)&order=name,id&files.order=id',
  '/records/folder?select=name,files!inner(name)&files.size=gt.3&order=id&files.order=id',
  '/records/file?select=name,folder(name,parent(name))&order=id&limit=3&offset=1',
  '/records/folder?select=name,count(),n.sum()&order=name',
  '/records/file?or=(size.is.null,and(name.like.a*,size.lt.7))&order=id&select=id,revision,updated_at,updated_by',
  '/records/folder?parent=is.null&select=name,folder(name)&order=id&folder.order=id',
];

describe('a list as of an instant', () => {
  it.each([1, 2])(
    'is what it was, whatever was done since: walk %i',
    async (seed) => {
      const random = seededRandom(seed);
      await tenant.define(
        'folder',
        entity({ n: { type: 'integer' }, parent: to('folder', 'setNull', 'folder') }, { softDelete: true }),
      );
      await tenant.define(
        'file',
        entity(
          {
            code: { type: 'string', unique: true },
            size: { type: ['integer', 'null'] },
            folder: to('folder', 'cascade', 'files'),
          },
          { softDelete: true },
        ),
      );
      const ids = { folder: [] as string[], file: [] as string[] };
      const some = (of: 'folder' | 'file') => (ids[of].length === 0 ? randomUUID() : random.pick(ids[of]));
      const name = () => `${random.pick(['a', 'b', "c'", '"d"', 'ü😀'])}${random.below(4)}`;
      const size = () => random.pick([null, 0, 3, 4, 7, 9_007_199_254_740_991]);
      const send = (method: Method, path: string, body: object) => call(method, path).send(body);
      const operations: (() => Promise<{ status: number; body: { id?: string } }>)[] = [
        () =>
          send('post', '/records/folder', {
            name: name(),
            n: random.below(9),
            ...(random.chance(0.5) ? { parent: some('folder') } : {}),
          }),
        () =>
          send('post', '/records/file', {
            name: name(),
            code: `c${random.below(12)}`,
            size: size(),
            folder: some('folder'),
            loose: { x: random.below(3) },
          }),
        () => send('post', '/records/file', { name: name(), size: size() }),
        () => send('patch', `/records/file/${some('file')}`, { name: name(), loose: null }),
        () => send('patch', `/records/folder/${some('folder')}`, { n: random.below(9), parent: some('folder') }),
        () => send('put', `/records/file/${some('file')}`, { name: name(), size: size(), more: true }),
        () => send('patch', `/records/file?size=eq.${random.pick([0, 3, 4, 7])}`, { size: random.below(9) }),
        () => send('patch', `/records/folder?name=like.a*`, { n: random.below(9) }),
        () =>
          call('post', '/records/file?on_conflict=code')
            .set('prefer', 'resolution=merge-duplicates')
            .send([{ code: `c${random.below(12)}`, name: name() }]) as never,
        () => call('delete', `/records/folder/${some('folder')}`),
        () => call('delete', `/records/file/${some('file')}`),
        () => call('delete', `/records/file?size=eq.${random.pick([0, 7])}&name=like.b*`),
        () => call('post', `/deleted/folder/${some('folder')}/restore`),
        () => call('post', `/deleted/file/${some('file')}/restore`),
        () => call('post', `/deleted/folder/${some('folder')}/restore`),
      ];
      const snapshots: { at: string; answers: string[]; files: Map<string, unknown> }[] = [];
      const statuses = new Map<number, number>();
      for (let step = 0; step < 70; step++) {
        const operation = step < 8 ? (operations[step % 3] as (typeof operations)[0]) : random.pick(operations);
        const answer = await operation();
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        for (const kind of ['folder', 'file'] as const) {
          const { body } = await call('get', `/records/${kind}?select=id`);
          ids[kind] = [...new Set([...ids[kind], ...body.map(({ id }: Stored) => id)])];
        }
        const answers: string[] = [];
        for (const query of QUERIES) answers.push(await answerOf(call('get', query)));
        const { body } = await call('get', '/records/file');
        snapshots.push({ at: await now(), answers, files: new Map(body.map((file: Stored) => [file.id, file])) });
      }
      // Of a walk on which everything is refused nothing is learned.
      expect([...statuses.keys()].filter((status) => status >= 500)).toEqual([]);
      expect([...statuses].filter(([status]) => status < 300).reduce((sum, [, count]) => sum + count, 0)).toBeGreaterThan(40);
      expect(new Set(snapshots.map(({ answers }) => answers.join('\n'))).size).toBeGreaterThan(35);
      for (const [index, { at, answers, files }] of snapshots.entries()) {
        for (const [which, query] of QUERIES.entries()) {
          expect([index, query, await answerOf(asOf(query, at))]).toEqual([index, query, answers[which]]);
        }
        if (index % 6 !== 0) continue;
        for (const id of ids.file) {
          const { status, body } = await asOf(`/records/file/${id}`, at);
          expect([id, status, status === 200 ? body : undefined]).toEqual([id, files.has(id) ? 200 : 404, files.get(id)]);
        }
        for (const query of QUERIES.slice(0, 4)) {
          const { status, text } = await elsewhere(`${query}&asOf=${encodeURIComponent(at)}`);
          expect([status, text]).toEqual([200, (await asOf(query, at)).text]);
        }
        for (const order of ['id', 'name.desc,size', 'size.nullsfirst,folder']) {
          const whole = (await asOf(`/records/file?order=${order}`, at)).body;
          const sorted = [...whole].map(({ id }: Stored) => id).sort();
          expect(sorted).toEqual([...files.keys()].sort());
          expect(await walked(`/records/file?order=${order}&limit=2&asOf=${at}`)).toEqual(whole);
        }
      }
    },
    120_000,
  );

  async function answerOf(request: ReturnType<Call>): Promise<string> {
    const { status, text, headers } = await request.set('prefer', 'count=exact');
    return `${status} ${headers['content-range']} ${text}`;
  }

  /** Page by page along the next links. */
  async function walked(from: string): Promise<unknown[]> {
    const found: unknown[] = [];
    for (let path: string | undefined = from; path !== undefined; ) {
      const { status, body, headers } = await call('get', path);
      expect(status).toBe(200);
      found.push(...body);
      path = /<([^>]+)>; rel="next"/.exec(String(headers.link ?? ''))?.[1]?.replace(/^.*\/records/, '/records');
    }
    return found;
  }

  it('is the same below /rest/v1, where absent members are null', async () => {
    await tenant.define('note', entity({ n: { type: 'integer' } }));
    const { id } = await insert('note', { name: 'a' });
    const at = await now();
    await patch('note', id, { n: 1 });
    const token = await test.token(['viewer'], tenant.id);
    const rest = (path: string) => test.request(token, 'get', `/rest/v1${path}`);
    expect((await rest(`/note?select=name,n&asOf=${at}`)).body).toEqual([{ name: 'a', n: null }]);
    expect((await rest(`/note?select=name,n`)).body).toEqual([{ name: 'a', n: 1 }]);
    expect((await rest(`/note?select=n&n=not.is.null&asOf=${at}`)).body).toEqual([]);
  });
});

describe('a list as of an instant, after its document changed', () => {
  type Content = Record<string, unknown>;
  type Carry = (content: Content) => Content;

  it('has the records of then with the members of now', async () => {
    const random = seededRandom(7);
    const base = {
      n: { type: 'integer' },
      word: { type: ['string', 'null'] },
      gone: { type: 'string' },
      back: { type: 'integer' },
      flag: { type: 'boolean' },
    };
    await tenant.define('thing', entity(base));
    let of = 'thing';
    let make = (): Content => ({
      ...{ name: `n${random.below(5)}`, n: random.below(20), gone: 'g', back: random.below(5), flag: random.chance(0.5) },
      ...(random.chance(0.3) ? { word: null } : { word: `w${random.below(9)}` }),
      ...(random.chance(0.5) ? { loose: random.below(4) } : {}),
    });
    const ids: string[] = [];
    const snapshots: { at: string; records: Map<string, Content>; carries: number }[] = [];
    const carries: Carry[] = [];

    async function live(steps: number): Promise<void> {
      for (let step = 0; step < steps; step++) {
        const roll = random.below(10);
        if (roll < 3 || ids.length < 3) ids.push((await insert(of, make())).id);
        else if (roll < 8) await call('put', `/records/${of}/${random.pick(ids)}`).send(make());
        else if (roll < 9)
          await call('patch', `/records/${of}?name=eq.n${random.below(5)}`).send({ name: `n${random.below(5)}` });
        else await call('delete', `/records/${of}/${random.pick(ids)}`);
        const { body } = await call('get', `/records/${of}`);
        const records = new Map<string, Content>(body.map((record: Stored) => [record.id, contentOf(record)]));
        snapshots.push({ at: await now(), records, carries: carries.length });
      }
    }
    async function define(name: string, document: object, carry: Carry): Promise<void> {
      await change(call, name, document, ['destructive', 'lossy']);
      carries.push(carry);
      of = name;
    }
    const without = (content: Content, ...members: string[]) =>
      Object.fromEntries(Object.entries(content).filter(([member]) => !members.includes(member)));
    const renamed = (from: string, name: string) => (content: Content) =>
      Object.hasOwn(content, from) ? { ...without(content, from), [name]: content[from] } : content;
    async function check(): Promise<void> {
      for (const [index, { at, records, carries: done }] of snapshots.entries()) {
        const expected = new Map(
          [...records].map(([id, content]) => [id, carries.slice(done).reduce((carried, carry) => carry(carried), content)]),
        );
        const { status, body } = await asOf(`/records/${of}`, at);
        expect([index, status]).toEqual([index, 200]);
        expect([index, new Map(body.map((record: Stored) => [record.id, contentOf(record)]))]).toEqual([index, expected]);
      }
    }

    await live(12);
    const { word, gone, ...stay } = base;
    await define('thing', entity({ ...stay, gone, term: { ...word, renamedFrom: 'word' } }), renamed('word', 'term'));
    const former = make;
    make = () => renamed('word', 'term')(former());
    await live(10);
    await check();

    await define('thing', entity({ ...stay, term: word }), (content) => without(content, 'gone'));
    const withGone = make;
    make = () => without(withGone(), 'gone');
    await live(8);
    // The name again, as another property: what it was is not what it is.
    await define('thing', entity({ ...stay, term: word, gone: { type: 'integer' } }), (content) => content);
    const before = make;
    make = () => ({ ...before(), ...(random.chance(0.5) ? { gone: random.below(5) } : {}) });
    await live(8);
    await check();

    await define(
      'thing',
      entity({ ...stay, term: word, gone: { type: 'integer' }, loose: { type: 'integer' } }),
      (content) => content,
    );
    await live(6);
    const widened = { ...stay, n: { type: 'string' }, term: word, gone: { type: 'integer' }, loose: { type: 'integer' } };
    await define('thing', entity(widened), (content) => ('n' in content ? { ...content, n: String(content.n) } : content));
    const counted = make;
    make = () => ({ ...counted(), n: 'text' });
    await live(8);
    await check();
    const [{ at, records }] = snapshots.slice(3) as [(typeof snapshots)[0]];
    const numbers = [...records.values()].map(({ n }) => String(n)).sort();
    for (const n of new Set(numbers)) {
      expect((await asOf(`/records/thing?n=eq.${n}&select=n`, at)).body).toEqual(
        numbers.filter((each) => each === n).map(() => ({ n })),
      );
    }

    const { back, ...less } = widened;
    await change(call, 'thing', entity(less), ['destructive']);
    expect((await call('post', '/entities/thing/restore').send({ property: 'back' })).status).toBeLessThan(300);
    await check();
    await define('object', entity({ ...less, back }, { renamedFrom: 'thing' }), (content) => content);
    await live(6);
    await check();
    for (const { at } of snapshots.filter((_, index) => index % 10 === 0)) {
      const { status, text } = await elsewhere(`/records/object?order=id&asOf=${at}`);
      expect([status, text]).toEqual([200, (await asOf('/records/object?order=id', at)).text]);
    }
  }, 60_000);

  it('has no member twice where one that was undeclared does not fit what it was declared as later', async () => {
    await tenant.define('note', entity());
    const { id } = await insert('note', { name: 'a', loose: 'text', pin: 'secret' });
    const at = await now();
    await patch('note', id, { loose: 5, pin: null });
    await change(call, 'note', entity({ loose: { type: 'integer' }, pin: { type: 'integer', writeOnly: true } }));
    const { status, text, body } = await asOf('/records/note', at);
    expect([status, body.length, text.match(/"loose"/g) ?? []]).toEqual([200, 1, []]);
    expect(text).not.toContain('secret');
    expect((await asOf('/records/note?select=loose,name', at)).text).toBe('[{"name":"a"}]');
    expect((await asOf('/records/note?loose=is.null&select=name', at)).body).toEqual([{ name: 'a' }]);
  });

  it('has nothing of a property where the record changed while it was dropped, though it was taken back', async () => {
    await tenant.define('note', entity({ back: { type: 'string' } }));
    const stayed = await insert('note', { name: 'a', back: 'b' });
    const { id } = await insert('note', { name: 'b', back: 'b' });
    const at = await now();
    await change(call, 'note', entity(), ['destructive']);
    await patch('note', id, { name: 'c' });
    expect((await call('post', '/entities/note/restore').send({ property: 'back' })).status).toBeLessThan(300);
    await patch('note', stayed.id, { name: 'd' });
    expect((await call('get', '/records/note?select=name,back&order=name')).body).toEqual([
      { name: 'c', back: 'b' },
      { name: 'd', back: 'b' },
    ]);
    expect((await asOf('/records/note?select=name,back&order=name', at)).body).toEqual([{ name: 'a', back: 'b' }, { name: 'b' }]);
  });

  it('embeds along a relation that was renamed, added and given another name on the other side', async () => {
    await tenant.define('team', entity());
    await tenant.define('member', entity({ team: to('team', 'setNull', 'members') }));
    const team = await insert('team', { name: 'A' });
    const member = await insert('member', { name: 'm', team: team.id });
    const at = await now();
    await patch('team', team.id, { name: 'B' });
    await patch('member', member.id, { team: null });
    await change(call, 'member', entity({ club: { ...to('team', 'setNull', 'players'), renamedFrom: 'team' } }));
    expect((await asOf('/records/team?select=name,players(name)', at)).body).toEqual([{ name: 'A', players: [{ name: 'm' }] }]);
    expect((await asOf('/records/member?select=name,club(name)', at)).body).toEqual([{ name: 'm', club: { name: 'A' } }]);
    expect((await call('get', '/records/member?select=name,club(name)')).body).toEqual([{ name: 'm', club: null }]);
  });
});
