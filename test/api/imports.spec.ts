/** Imports: records from a stream, batch by batch, each of which is stored once whatever happens in between. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { Role } from '../../src/access/principal.js';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

let around: Surroundings;
let test: TestService;
let own: TestTenant;

const NOTE = {
  type: 'object',
  required: ['title'],
  properties: { title: { type: 'string', unique: true }, size: { type: 'integer' } },
  additionalProperties: false,
};

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({ BODY_LIMIT_BYTES: '20000' }, around);
  own = await test.tenant();
});

afterAll(() => test.stop());

const NDJSON = 'application/x-ndjson';
const lines = (records: readonly unknown[]) => records.map((record) => `${JSON.stringify(record)}\n`).join('');
const notes = (count: number, from = 1) =>
  Array.from({ length: count }, (_, i) => ({ title: `note ${from + i}`, size: from + i }));

interface Sent {
  readonly query?: string;
  readonly type?: string;
  readonly role?: Role;
  readonly tenant?: TestTenant;
}

// biome-ignore lint/suspicious/noExplicitAny: answers are looked at as they come
type Answered = { readonly status: number; readonly body: any };

async function imported(
  entity: string,
  body: string | Buffer,
  { query = '', type = NDJSON, role = 'editor', tenant = own }: Sent = {},
): Promise<Answered> {
  const response = await (await tenant.as(role))('post', `/imports/${entity}${query}`).set('content-type', type).send(body);
  return { status: response.status, body: response.body };
}

async function titles(entity: string): Promise<string[]> {
  const { rows } = await test.database.admin(`select title from ${own.schemaName}.${entity} order by title`);
  return rows.map(({ title }) => title);
}

const count = async (entity: string): Promise<number> =>
  Number((await test.database.admin(`select count(*) as n from ${own.schemaName}.${entity}`)).rows[0].n);

/** A request whose body is sent bit by bit. */
async function sending(base: string, entity: string, query = ''): Promise<{ sent: ClientRequest; answer: Promise<Answered> }> {
  const headers = { authorization: `Bearer ${await test.token(['editor'], own.id)}`, 'content-type': NDJSON };
  const sent = request(`${base}/api/v1/tenants/${own.id}/imports/${entity}${query}`, { method: 'POST', headers, agent: false });
  const answer = once(sent, 'response').then(async ([response]) => {
    const chunks: Buffer[] = [];
    for await (const chunk of response as IncomingMessage) chunks.push(chunk);
    return { status: (response as IncomingMessage).statusCode ?? 0, body: JSON.parse(Buffer.concat(chunks).toString()) };
  });
  return { sent, answer };
}

describe('an import refuses', () => {
  beforeAll(() => own.define('refused', NOTE));

  it('viewers, auditors, other tenants and strangers', async () => {
    for (const role of ['viewer', 'auditor'] as const) {
      expect((await imported('refused', lines(notes(1)), { role })).status).toBe(403);
    }
    const bearer = await test.token(['editor'], (await test.tenant()).id);
    const path = `/api/v1/tenants/${own.id}/imports/refused`;
    expect((await test.request(bearer, 'post', path).set('content-type', NDJSON).send('{}')).status).toBe(403);
    expect((await test.request(null, 'post', path).set('content-type', NDJSON).send('{}')).status).toBe(401);
    expect(await count('refused')).toBe(0);
  });

  it('a stranger’s body before it has arrived', async () => {
    const sent = request(`${test.service.url}/api/v1/tenants/${own.id}/imports/refused`, {
      method: 'POST',
      headers: { 'content-type': NDJSON },
      agent: false,
    });
    sent.write('{"title":');
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    expect(response.statusCode).toBe(401);
    sent.destroy();
  });

  it('what it does not know: entities, parameters, media types', async () => {
    expect(await imported('nothing', '')).toMatchObject({ status: 404, body: { type: 'urn:bss:problem:entity/not-found' } });
    for (const query of ['?dryrun=true', '?dryRun=yes', '?onError=maybe', '?id=1', '?onError=skip&onError=skip', '?resume=x']) {
      expect([query, (await imported('refused', '', { query })).status]).toEqual([query, 400]);
    }
    for (const type of ['application/json', 'text/csv; charset=latin1', 'application/xml']) {
      expect([type, (await imported('refused', '[]', { type })).status]).toEqual([type, 415]);
    }
    // Streams go nowhere else.
    const elsewhere = await (await own.as())('post', '/records/refused').set('content-type', 'text/csv').send('title\na\n');
    expect(elsewhere.status).toBe(415);
  });

  it('a header of CSV that names what the entity has not', async () => {
    const { status, body } = await imported('refused', 'title,color\na,red\n', { type: 'text/csv' });
    expect([status, body.type]).toEqual([422, 'urn:bss:problem:request/invalid']);
    expect(body.errors).toMatchObject([{ pointer: '/color', rule: 'additionalProperties' }]);
    expect(await count('refused')).toBe(0);
  });

  it('to tell another tenant how far it is', async () => {
    const { body } = await imported('refused', '');
    const other = await (await test.tenant()).as();
    expect((await other('get', `/imports/${body.id}`)).status).toBe(404);
    expect((await other('get', `/imports/${body.id}/events`)).status).toBe(404);
    expect((await other('get', '/imports')).body.items).toEqual([]);
  });
});

describe('an import', () => {
  it('stores what inserts would, with its events, and tells how much', async () => {
    await own.define('note', NOTE);
    const id = randomUUID();
    const { status, body } = await imported('note', lines(notes(2_500)), { query: `?id=${id}` });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      id,
      state: 'done',
      lines: 2_500,
      stored: 2_500,
      failed: 0,
      errors: [],
      startedBy: 'editor@test',
    });
    expect(await count('note')).toBe(2_500);
    const { rows } = await test.database.admin(
      `select actor, action, count(*)::int from audit.events where tenant_id = $1 and entity = 'note' and record_id is not null group by 1, 2`,
      [own.id],
    );
    expect(rows).toEqual([{ actor: 'editor@test', action: 'record.created', count: 2_500 }]);
    expect((await (await own.as())('get', `/imports/${id}`)).body).toEqual(body);
    expect((await (await own.as())('get', '/imports?entity=note')).body.items).toEqual([body]);
    // The same id again is no second import.
    expect((await imported('note', lines(notes(1, 9_000)), { query: `?id=${id}` })).status).toBe(409);
  });

  it('ends with the first record refused, and goes on with the corrected file', async () => {
    await own.define('strict', NOTE);
    const records = [...notes(1_200), { title: 7, size: 'x' }, ...notes(300, 1_202)];
    const { status, body } = await imported('strict', lines(records));
    expect([status, body.type]).toEqual([422, 'urn:bss:problem:import/aborted']);
    expect(body.errors).toEqual([
      { line: 1_201, pointer: '/title', rule: 'type', message: expect.any(String) },
      { line: 1_201, pointer: '/size', rule: 'type', message: expect.any(String) },
    ]);
    expect(body.import).toMatchObject({ state: 'aborted', stored: 1_200, lines: 1_200 });
    expect(await count('strict')).toBe(1_200);
    const corrected = lines(records.with(1_200, { title: 'note 1201', size: 1_201 }));
    const resumed = await imported('strict', corrected, { query: `?resume=${body.import.id}` });
    expect(resumed).toMatchObject({ status: 200, body: { state: 'done', stored: 1_501, lines: 1_501, reason: null } });
    expect(await titles('strict')).toEqual(
      notes(1_501)
        .map(({ title }) => title)
        .sort(),
    );
  });

  it('passes over what is refused when it is told to, lists some and counts all', async () => {
    await own.define('lenient', NOTE);
    const broken = ['not json', '{"title":"a","title":"b"}', '[]', `{"title":"${'x'.repeat(20_000)}"}`, '{"title":"\\u0000"}'];
    const body = `${broken.join('\n')}\n\n${lines(notes(5))}${lines(Array.from({ length: 150 }, () => ({ size: 1 })))}`;
    const answer = await imported('lenient', body, { query: '?onError=skip' });
    expect(answer).toMatchObject({ status: 200, body: { state: 'done', stored: 5, failed: 155, lines: 161 } });
    expect(answer.body.errors).toHaveLength(100);
    expect(answer.body.errors.slice(0, 6)).toMatchObject([
      { line: 1, pointer: '', rule: 'json' },
      { line: 2, pointer: '/title' },
      { line: 3, pointer: '', rule: 'type' },
      { line: 4, pointer: '', rule: 'maxBytes' },
      { line: 5, pointer: '/title' },
      { line: 12, pointer: '/title', rule: 'required' },
    ]);
  });

  it('finds the record that the table refuses among a thousand', async () => {
    await own.define('unique', NOTE);
    await own.define('child', {
      type: 'object',
      properties: { of: { type: 'string', relation: { entity: 'unique', field: 'title' } } },
    });
    const twice = [...notes(600), { title: 'note 17' }, ...notes(100, 601)];
    const aborted = await imported('unique', lines(twice));
    expect(aborted.body.errors).toMatchObject([{ line: 601, pointer: '/title', rule: 'unique' }]);
    expect(await count('unique')).toBe(600);
    const skipped = await imported('unique', lines(twice.slice(600)), { query: '?onError=skip' });
    expect(skipped.body).toMatchObject({ stored: 100, failed: 1, errors: [{ line: 1, rule: 'unique' }] });
    const children = [{ of: 'note 1' }, { of: 'nowhere' }, { of: 'note 2' }];
    const orphans = await imported('child', lines(children), { query: '?onError=skip' });
    expect(orphans.body).toMatchObject({ stored: 2, failed: 1, errors: [{ line: 2, pointer: '/of', rule: 'relation' }] });
  });

  it('that is a rehearsal stores nothing and keeps nothing', async () => {
    await own.define('dry', NOTE);
    const records = [...notes(3), { title: 1 }, { size: 1 }];
    const { status, body } = await imported('dry', lines(records), { query: '?dryRun=true' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ dryRun: true, stored: 3, failed: 2, errors: [{ line: 4 }, { line: 5 }] });
    expect(await count('dry')).toBe(0);
    expect((await (await own.as())('get', '/imports?entity=dry')).body.items).toEqual([]);
  });

  it('takes a class of values as CSV has them, and says which cell is wrong', async () => {
    await own.define('cells', {
      type: 'object',
      properties: {
        title: { type: ['string', 'null'] },
        n: { type: 'number' },
        yes: { type: 'boolean' },
        list: { type: 'array' },
      },
      additionalProperties: false,
    });
    const csv =
      '\uFEFFtitle,n,yes,list\r\n"a, ""b""\nc",1.5,TRUE,"[1,""x""]"\r\nnull,,false,\r\n"null",-2e3,,[]\r\n\r\n"",0,,\r\n=1+1,01,maybe,{\r\n';
    const { body } = await imported('cells', csv, { query: '?onError=skip', type: 'text/csv; charset=utf-8' });
    expect(body).toMatchObject({ stored: 4, failed: 1, lines: 8 });
    expect(body.errors.map(({ line, pointer, rule }: Record<string, unknown>) => `${line} ${pointer} ${rule}`)).toEqual([
      '8 /list json',
    ]);
    const { body: found } = await (await own.as())('get', '/records/cells?select=title,n,yes,list&order=n');
    expect(found).toEqual([
      { title: 'null', n: -2000, list: [] },
      { title: '', n: 0 },
      { title: 'a, "b"\nc', n: 1.5, yes: true, list: [1, 'x'] },
      { title: null, yes: false },
    ]);
    const wrong = await imported('cells', 'n,yes\n01,maybe\n1,true,3\n"a"b,\n', { query: '?dryRun=true', type: 'text/csv' });
    expect(wrong.body.errors.map(({ line, pointer, rule }: Record<string, unknown>) => `${line} ${pointer} ${rule}`)).toEqual([
      '2 /n type',
      '2 /yes type',
      '3  cells',
      '4  csv',
    ]);
  });

  it('changes the records that are there already where it is told by what they are known', async () => {
    await own.define('known', NOTE);
    await imported('known', lines(notes(700)));
    const changes = [
      { title: 'note 1', size: 1_001 },
      { title: 'note 2' },
      { size: 3 },
      { title: 'new', size: 9 },
      { title: 'new', size: 10 },
    ];
    const { status, body } = await imported('known', lines(changes), { query: '?on_conflict=title&onError=skip' });
    expect(status).toBe(200);
    expect(body).toMatchObject({ stored: 4, failed: 1, errors: [{ line: 3, pointer: '/title', rule: 'required' }] });
    const { body: found } = await (await own.as())(
      'get',
      '/records/known?title=in.("note 1","note 2",new)&select=title,size,revision&order=title',
    );
    expect(found).toEqual([
      { title: 'new', size: 10, revision: 2 },
      { title: 'note 1', size: 1_001, revision: 2 },
      { title: 'note 2', size: 2, revision: 2 },
    ]);
    expect(await count('known')).toBe(701);
    expect((await imported('known', '', { query: '?on_conflict=size' })).status).toBe(400);
    expect((await imported('known', '', { query: '?on_conflict=title&dryRun=true' })).status).toBe(400);
  });

  it('leaves out the members it is told to', async () => {
    await own.define('less', NOTE);
    const { body } = await imported('less', lines([{ title: 'a', size: 'large', color: 'red' }]), {
      query: '?ignore=size,color',
    });
    expect(body).toMatchObject({ stored: 1, failed: 0 });
  });
});

describe('a dry run', () => {
  const PERSON = { type: 'object', properties: { name: { type: 'string', unique: true } } };
  const PART = {
    type: 'object',
    properties: {
      code: { type: 'string', unique: true },
      price: { type: 'string', format: 'decimal', unique: true },
      site: { type: 'string' },
      slot: { type: 'integer' },
      parent: { type: 'string', relation: { entity: 'part', field: 'code' } },
      near: { type: 'string', format: 'uuid', relation: { entity: 'part' } },
      owner: { type: 'string', relation: { entity: 'person', field: 'name' } },
    },
    uniqueKeys: [['site', 'slot']],
    additionalProperties: false,
  };

  const tried = async (records: readonly unknown[], tenant: TestTenant) =>
    (await imported('part', lines(records), { query: '?dryRun=true', tenant })).body;

  const tenantWithParts = async (): Promise<TestTenant> => {
    const tenant = await test.tenant();
    await tenant.define('person', PERSON);
    await tenant.define('part', PART);
    await imported('person', lines([{ name: 'ann' }, { name: 'bob' }]), { tenant });
    return tenant;
  };

  const told = ({ errors }: { errors: { line: number; pointer: string; rule: string; message: string }[] }) =>
    errors.map(({ line, pointer, rule }) => `${line} ${pointer} ${rule}`);

  it('finds what is taken: by what is stored, and by what came before in the file, as Postgres compares it', async () => {
    const tenant = await tenantWithParts();
    const [stored, own] = [randomUUID(), randomUUID()];
    await imported('part', lines([{ id: stored, code: 'a', price: '1.50', site: 'x', slot: 1 }]), { tenant });
    const filler = Array.from({ length: 600 }, (_, n) => ({ code: `filler ${n}`, site: 'x' }));
    const body = await tried(
      [
        { code: 'a' },
        { price: '1.5' },
        { site: 'x', slot: 1 },
        { id: stored.toUpperCase() },
        { id: own, code: 'new', price: '2', site: 'x', slot: 2 },
        ...filler,
        { code: 'new' },
        { price: '2.000' },
        { site: 'x', slot: 2 },
        { id: own },
        { code: 'last', site: 'y', slot: 2 },
        { code: 'filler 0' },
      ],
      tenant,
    );
    expect(told(body)).toEqual([
      '1 /code unique',
      '2 /price unique',
      '3 /site unique',
      '3 /slot unique',
      '4 /id unique',
      '606 /code unique',
      '607 /price unique',
      '608 /site unique',
      '608 /slot unique',
      '609 /id unique',
      '611 /code unique',
    ]);
    expect(body).toMatchObject({ dryRun: true, stored: 602, failed: 9, lines: 611, remembered: 602 });
  });

  it('finds what refers to nothing, and knows what came before in the file', async () => {
    const tenant = await tenantWithParts();
    const id = randomUUID();
    const filler = Array.from({ length: 300 }, (_, n) => ({ code: `filler ${n}` }));
    const body = await tried(
      [
        { code: 'root', id },
        { code: 'child', parent: 'root', near: id, owner: 'ann' },
        ...filler,
        { code: 'late', parent: 'root', near: id, owner: 'bob' },
        { code: 'self', parent: 'self' },
        { code: 'lost', parent: 'nowhere', near: randomUUID(), owner: 'carl' },
        // Its parent was refused.
        { code: 'orphan', parent: 'lost' },
      ],
      tenant,
    );
    expect(told(body)).toEqual(['305 /parent relation', '305 /near relation', '305 /owner relation', '306 /parent relation']);
    expect(body.errors[2].message).toBe('must be the name of an existing person');
  });

  it('finds what the import then refuses, whatever is wrong', async () => {
    const tenant = await tenantWithParts();
    const random = (most: number) => Math.floor(Math.random() * most);
    const maybe = <T>(name: string, value: T) => (random(3) === 0 ? {} : { [name]: value });
    const ids = Array.from({ length: 400 }, () => randomUUID());
    for (const size of [40, 700]) {
      const codes = Array.from({ length: size }, () => `c${random(2 * size)}`);
      // Whoever is referred to comes before, once: what may refer to a record behind it depends on where batches end.
      const parents = codes.map((code) => (codes.indexOf(code) === codes.lastIndexOf(code) ? code : 'nowhere'));
      const records = codes.map((code, n) => ({
        ...maybe('id', ids[random(ids.length)]),
        ...maybe('code', code),
        ...maybe('price', `${random(2 * size)}.${['0', '00', '5'][random(3)]}`),
        ...maybe('site', `s${random(10)}`),
        ...maybe('slot', random(size)),
        ...(random(4) === 0 ? { parent: parents[random(n)] ?? 'nowhere' } : {}),
        ...(random(6) === 0 ? { owner: ['ann', 'bob', 'carl'][random(3)] } : {}),
        ...(random(20) === 0 ? { site: 7 } : {}),
      }));
      const dry = await tried(records, tenant);
      const { body: real } = await imported('part', lines(records), { query: '?onError=skip', tenant });
      const linesOf = ({ errors }: typeof dry) => [...new Set(errors.map(({ line }: { line: number }) => line))];
      expect([dry.stored, dry.failed, dry.lines]).toEqual([real.stored, real.failed, real.lines]);
      expect(real.failed).toBeGreaterThan(0);
      // Of all that is wrong with a record the import tells the first.
      const both = Math.min(linesOf(dry).length, linesOf(real).length);
      expect(linesOf(dry).slice(0, both - 1)).toEqual(linesOf(real).slice(0, both - 1));
    }
  });

  it('writes nothing, not even for a moment', async () => {
    const tenant = await tenantWithParts();
    const size = async () => {
      const { rows } = await test.database.admin(
        `select pg_total_relation_size('${tenant.schemaName}.part') as part, (select count(*) from audit.events) as events,
           (select n_tup_ins from pg_stat_all_tables where schemaname = '${tenant.schemaName}' and relname = 'part') as inserted`,
      );
      return rows;
    };
    const before = await size();
    expect(
      await tried(
        notes(1_000).map(({ title }) => ({ code: title })),
        tenant,
      ),
    ).toMatchObject({ stored: 1_000 });
    expect(await size()).toEqual(before);
  });
});

describe('while the entity is changed', () => {
  it('an import goes on with the new version, under old names too', async () => {
    const admin = await own.as();
    const aliasUntil = new Date(Date.now() + 3_600_000).toISOString();
    await own.define('moving', NOTE);
    const { sent, answer } = await sending(test.service.url, 'moving');
    sent.write(lines(notes(1_000)));
    await eventually(async () => (await count('moving')) === 1_000);
    const { title, size } = NOTE.properties;
    // By another instance: this one hears of it when it hears of it.
    const another = await test.another();
    try {
      const token = await test.token(['admin'], own.id);
      const there = (path: string, body: object) =>
        fetch(`${another.url}/api/v1/tenants/${own.id}/entities/moving/${path}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        });
      const document = {
        ...NOTE,
        properties: { title, amount: { ...size, renamedFrom: 'size', aliasUntil }, color: { type: 'string' } },
      };
      const { hash } = (await (await there('plan', document)).json()) as { hash: string };
      expect((await there('apply', { document, hash })).status).toBe(200);
      sent.end(lines(notes(1_000, 1_001)));
      expect(await answer).toMatchObject({ status: 200, body: { stored: 2_000 } });
      const { body } = await admin('get', '/records/moving?title=in.("note 1","note 2000")&select=title,amount&order=amount');
      expect(body).toEqual([
        { title: 'note 1', amount: 1 },
        { title: 'note 2000', amount: 2_000 },
      ]);
    } finally {
      await another.stop();
    }
  });
});

describe('how far an import is', () => {
  it('is told while it runs, as events until it is over', async () => {
    await own.define('watched', NOTE);
    const id = randomUUID();
    const { sent, answer } = await sending(test.service.url, 'watched', `?id=${id}`);
    sent.write(lines(notes(1_000)));
    await eventually(async () => (await count('watched')) === 1_000);
    expect((await (await own.as())('get', `/imports/${id}`)).body).toMatchObject({
      state: 'running',
      stored: 1_000,
      lines: 1_000,
    });
    const authorization = `Bearer ${await test.token(['editor'], own.id)}`;
    const watching = await fetch(`${test.service.url}/api/v1/tenants/${own.id}/imports/${id}/events`, {
      headers: { authorization },
    });
    expect(watching.headers.get('content-type')).toBe('text/event-stream');
    const told = watching.text();
    sent.end(lines(notes(10, 1_001)));
    expect((await answer).body).toMatchObject({ state: 'done', stored: 1_010 });
    const events = (await told).split('\n\n').filter((text) => text !== '');
    expect(events[0]).toMatch(/^event: progress\nid: 1000\ndata: \{.*"stored":1000/);
    expect(events.at(-1)).toMatch(/^event: end\nid: 1010\ndata: \{.*"state":"done".*$/);
  });
});

describe('an import that was interrupted', () => {
  it('by its client goes on with the same body alone, and only once', async () => {
    await own.define('left', NOTE);
    const id = randomUUID();
    const body = lines(notes(2_400));
    const { sent, answer } = await sending(test.service.url, 'left', `?id=${id}`);
    answer.catch(() => {});
    sent.write(lines(notes(1_200)));
    await eventually(async () => (await count('left')) === 1_000);
    sent.destroy();
    const look = async () => (await (await own.as())('get', `/imports/${id}`)).body;
    await eventually(async () => (await look()).state === 'interrupted');
    expect(await look()).toMatchObject({
      stored: 1_000,
      lines: 1_000,
      reason: { detail: expect.stringContaining('ended before') },
    });

    // Another file, one that is too short, another entity, another format.
    for (const other of [lines(notes(2_400, 2)), lines(notes(900))]) {
      expect(await imported('left', other, { query: `?resume=${id}` })).toMatchObject({
        status: 409,
        body: { type: 'urn:bss:problem:import/conflict' },
      });
    }
    await own.define('elsewhere', NOTE);
    expect((await imported('elsewhere', body, { query: `?resume=${id}` })).status).toBe(409);
    expect((await imported('left', 'title\n', { query: `?resume=${id}`, type: 'text/csv' })).status).toBe(409);
    expect((await imported('left', body, { query: `?resume=${randomUUID()}` })).status).toBe(404);

    const resumed = await imported('left', body, { query: `?resume=${id}` });
    expect(resumed).toMatchObject({ status: 200, body: { state: 'done', stored: 2_400, lines: 2_400 } });
    expect(await titles('left')).toEqual(
      notes(2_400)
        .map(({ title }) => title)
        .sort(),
    );
    expect((await imported('left', body, { query: `?resume=${id}` })).status).toBe(409);
  });

  it('while another request has taken it over stores nothing any more', async () => {
    await own.define('raced', NOTE);
    const id = randomUUID();
    const { sent, answer } = await sending(test.service.url, 'raced', `?id=${id}`);
    sent.write(lines(notes(1_000)));
    await eventually(async () => (await count('raced')) === 1_000);
    const resumed = await imported('raced', lines(notes(1_500)), { query: `?resume=${id}` });
    expect(resumed).toMatchObject({ status: 200, body: { stored: 1_500 } });
    sent.end(lines(notes(500, 1_001)));
    expect(await answer).toMatchObject({ status: 409, body: { type: 'urn:bss:problem:import/conflict' } });
    expect(await count('raced')).toBe(1_500);
  });

  it('by a service that shuts down is told so, and goes on in another', async () => {
    await own.define('stopped', NOTE);
    const child = await startChildService(around.environment);
    try {
      const id = randomUUID();
      const { sent, answer } = await sending(child.url, 'stopped', `?id=${id}`);
      sent.on('error', () => {});
      sent.write(lines(notes(1_000)));
      await eventually(async () => (await count('stopped')) === 1_000);
      child.signal('SIGTERM');
      expect(await answer).toMatchObject({
        status: 503,
        body: { type: 'urn:bss:problem:import/interrupted', import: { id, state: 'interrupted', stored: 1_000, lines: 1_000 } },
      });
      const resumed = await imported('stopped', lines(notes(1_010)), { query: `?resume=${id}` });
      expect(resumed).toMatchObject({ status: 200, body: { stored: 1_010 } });
    } finally {
      await child.stop();
    }
  }, 60_000);

  it('of CSV goes on behind the header that it began with', async () => {
    await own.define('table', NOTE);
    const rows = notes(600).map(({ title, size }) => `${title},${size}\n`);
    const wrong = await imported('table', `title,size\n${rows.with(550, 'x,many\n').join('')}`, { type: 'text/csv' });
    expect(wrong).toMatchObject({ status: 422, body: { errors: [{ line: 552, pointer: '/size' }] } });
    const query = `?resume=${wrong.body.import.id}`;
    const swapped = `size,title\n${notes(600)
      .map(({ title, size }) => `${size},${title}\n`)
      .join('')}`;
    expect((await imported('table', swapped, { type: 'text/csv', query })).status).toBe(409);
    const resumed = await imported('table', `title,size\n${rows.join('')}`, { type: 'text/csv', query });
    expect(resumed).toMatchObject({ status: 200, body: { stored: 600, lines: 601 } });
    expect(await count('table')).toBe(600);
  });

  it('by kill -9 goes on in another process without a record lost or doubled', async () => {
    await own.define('killed', { ...NOTE, properties: { title: { type: 'string' }, size: { type: 'integer' } } });
    const victims: ChildService[] = [];
    try {
      const victim = await startChildService(around.environment);
      victims.push(victim);
      const id = randomUUID();
      const body = lines(notes(12_000));
      const { sent, answer } = await sending(victim.url, 'killed', `?id=${id}`);
      answer.catch(() => {});
      sent.on('error', () => {});
      sent.end(body);
      await eventually(async () => (await count('killed')) >= 3_000);
      victim.signal('SIGKILL');
      await victim.ended;
      const stored = await count('killed');
      expect(stored).toBeLessThan(12_000);
      expect((await (await own.as())('get', `/imports/${id}`)).body).toMatchObject({ state: 'running', stored });
      const resumed = await imported('killed', body, { query: `?resume=${id}` });
      expect(resumed).toMatchObject({ status: 200, body: { state: 'done', stored: 12_000 } });
      const { rows } = await test.database.admin(
        `select count(*)::int as n, count(distinct title)::int as titles, sum(size)::int as sum from ${own.schemaName}.killed`,
      );
      expect(rows).toEqual([{ n: 12_000, titles: 12_000, sum: (12_000 * 12_001) / 2 }]);
      const { rows: events } = await test.database.admin(
        `select count(*)::int as n from audit.events where entity = 'killed' and record_id is not null`,
      );
      expect(events).toEqual([{ n: 12_000 }]);
    } finally {
      for (const victim of victims) await victim.stop();
    }
  }, 60_000);
});

describe('what was exported', () => {
  const EVERYTHING = {
    type: 'object',
    required: ['must'],
    properties: {
      text: { type: ['string', 'null'] },
      must: { type: ['string', 'null'] },
      whole: { type: ['integer', 'null'] },
      number: { type: 'number' },
      yes: { type: ['boolean', 'null'] },
      day: { type: 'string', format: 'date' },
      at: { type: 'string', format: 'date-time' },
      hour: { type: 'string', format: 'time' },
      key: { type: 'string', format: 'uuid' },
      host: { type: 'string', format: 'ipv4' },
      bytes: { type: 'string', format: 'byte' },
      money: { type: 'string', format: 'decimal', precision: 20, scale: 4 },
      list: { type: 'array' },
      object: { type: ['object', 'null'] },
      mixed: { type: ['string', 'integer', 'null'] },
      any: true,
    },
  };
  const hostile = [
    '',
    'null',
    '"null"',
    'a,b',
    '"',
    '""',
    'a\nb\r\nc',
    '\r',
    '=1+1',
    '+x',
    '@SUM(A1)',
    ' space ',
    '\uFEFF',
    '𝒳 \u2028 ñ',
    '\\N',
    '\t',
    "'; drop table note; --",
    '\u0001\u001f',
  ];
  const records = [
    { must: null },
    { must: 'null', text: null, whole: null, yes: null, object: null, mixed: null, any: null },
    { must: '', text: '', mixed: '', any: '' },
    ...hostile.map((text) => ({
      must: text,
      text,
      mixed: text,
      any: text,
      list: [text, null],
      object: { [text]: text },
      [`x ${text}`]: text,
    })),
    { must: 'numbers', whole: -9007199254740991, number: 1e21, mixed: 5, any: 5, money: '1234567890123456.7891' },
    {
      must: 'small',
      whole: 0,
      number: 5e-324,
      yes: false,
      mixed: '5',
      any: '5',
      extra: { deep: [null, { a: 1 }] },
      nothing: null,
    },
    {
      ...{ must: 'times', day: '2024-02-29', at: '2024-02-29T12:00:00.123456Z', hour: '23:59:59Z', yes: true, any: [1, 'x', {}] },
      ...{ key: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', host: '10.0.0.1', bytes: Buffer.from('\u0000bytes').toString('base64') },
    },
  ];
  const SYSTEM = ['created_at', 'updated_at', 'created_by', 'updated_by', 'revision'];
  const content = (record: Record<string, unknown>) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => !SYSTEM.includes(name)));

  const listed = async (tenant: TestTenant) => (await (await tenant.as())('get', '/records/all?limit=1000')).body.map(content);

  const text = async (tenant: TestTenant, format: string) => {
    const authorization = `Bearer ${await test.token(['viewer'], tenant.id)}`;
    const response = await fetch(`${test.service.url}/api/v1/tenants/${tenant.id}/exports/all?format=${format}`, {
      headers: { authorization },
    });
    return Buffer.from(await response.arrayBuffer());
  };

  beforeAll(async () => {
    await own.define('all', EVERYTHING);
    const answer = await (await own.as())('post', '/records/all').send(records);
    if (answer.status !== 201) throw new Error(answer.text);
  });

  it.each([
    ['ndjson', NDJSON],
    ['csv', 'text/csv'],
  ])('as %s comes back equal: every type, absent and null apart, undeclared members, hostile texts', async (format, type) => {
    const other = await test.tenant();
    await other.define('all', EVERYTHING);
    const exported = await text(own, format);
    const { status, body } = await imported('all', exported, { type, tenant: other });
    expect([status, body.errors ?? [], body.stored]).toEqual([200, [], records.length]);
    expect(await listed(other)).toEqual(await listed(own));
    // Byte by byte, but for who stored it and when.
    const plain = (bytes: Buffer) =>
      bytes
        .toString()
        .replaceAll(/\d{4}-\d\d-\d\dT[0-9:.]+Z/g, 'then')
        .replaceAll(/(admin|editor)@test/g, 'who');
    expect(plain(await text(other, format))).toBe(plain(exported));
  });
});
