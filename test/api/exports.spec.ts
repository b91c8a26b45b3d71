/** Exports: all records of an entity as a stream, whole or visibly broken off. */
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { parse } from 'csv-parse/sync';
import { startChildService } from '../harness/child-service.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

let around: Surroundings;
let test: TestService;
let own: TestTenant;

const NOTE = {
  type: 'object',
  properties: { title: { type: 'string' }, size: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
};

beforeAll(async () => {
  around = await createSurroundings();
  test = await startTestService({}, around);
  own = await test.tenant();
  await own.define('note', NOTE);
  const records = Array.from({ length: 250 }, (_, i) => ({ title: `note ${i}`, size: i, tags: [`"${i}",`], more: { i } }));
  await (await own.as())('post', '/records/note').send(records);
});

afterAll(() => test.stop());

const url = (path: string): string => `${test.service.url}/api/v1/tenants/${own.id}${path}`;

async function exported(path: string, headers: Record<string, string> = {}) {
  const authorization = `Bearer ${await test.token(['viewer'], own.id)}`;
  const response = await fetch(url(path), { headers: { authorization, ...headers } });
  return { status: response.status, type: response.headers.get('content-type'), text: await response.text() };
}

const linesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));

/** The answer as it begins, and nothing taken of it. */
async function opened(path: string): Promise<IncomingMessage> {
  const authorization = `Bearer ${await test.token(['viewer'], own.id)}`;
  const request = get(url(path), { headers: { authorization }, agent: false });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  return response;
}

/** Rows of about a megabyte that hardly compress, made inside the database: some of them do not fit into any buffer on the way. */
async function fill(entity: string, rows: number): Promise<void> {
  await own.define(entity, NOTE);
  await test.database.admin(
    `insert into ${own.schemaName}.${entity} (tenant_id, id, title, created_at, updated_at, created_by, updated_by, revision)
     select $1, gen_random_uuid(), (select string_agg(md5(random()::text || n || m), '') from generate_series(1, 30000) as m),
       now(), now(), 'x', 'x', 1
     from generate_series(1, $2::int) as n`,
    [own.id, rows],
  );
}

const isIdle = (): boolean => {
  const { total, idle, waiting } = test.service.pool.load;
  return total === idle && waiting === 0;
};

describe('an export', () => {
  it('refuses whatever would make it a part of something', async () => {
    const refusals = {
      '?limit=5': '400 invalid-query',
      '?offset=5': '400 invalid-query',
      '?order=title': '400 invalid-query',
      '?select=count()': '400 invalid-query',
      '?after=x': '400 invalid-query',
      '?format=xml': '400 invalid-query',
      '?nothing=eq.1': '400 invalid-query',
    };
    for (const [query, wanted] of Object.entries(refusals)) {
      const { status, text } = await exported(`/exports/note${query}`);
      expect([query, `${status} ${JSON.parse(text).type.split('/').at(-1)}`]).toEqual([query, wanted]);
    }
    expect((await exported('/exports/note', { accept: 'image/png' })).status).toBe(406);
    expect((await exported('/exports/nothing')).status).toBe(404);
  });

  it('refuses strangers: no token, another tenant', async () => {
    expect((await fetch(url('/exports/note'))).status).toBe(401);
    const other = await test.tenant();
    const authorization = `Bearer ${await test.token(['admin'], other.id)}`;
    expect((await fetch(url('/exports/note'), { headers: { authorization } })).status).toBe(403);
  });

  it('is every record as a list has it, in the order of ids', async () => {
    const { status, type, text } = await exported('/exports/note');
    expect([status, type]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    const listed = await (await own.as())('get', '/records/note?limit=1000&order=id');
    expect(listed.body).toHaveLength(250);
    expect(linesOf(text)).toEqual(listed.body);
  });

  it('filters and selects', async () => {
    const { text } = await exported('/exports/note?size=gte.248&select=title,n:size');
    expect(linesOf(text).sort((a, b) => a.n - b.n)).toEqual([
      { title: 'note 248', n: 248 },
      { title: 'note 249', n: 249 },
    ]);
    const { text: none } = await exported('/exports/note?size=lt.0');
    expect(none).toBe('');
  });

  it('is CSV for whoever asks for it, with a header even of nothing', async () => {
    const { type, text } = await exported('/exports/note?select=title,size,tags', { accept: 'text/csv' });
    expect(type).toBe('text/csv; charset=utf-8; header=present');
    const rows = parse(text, { columns: true }) as Record<string, string>[];
    expect(rows).toHaveLength(250);
    expect(rows.find(({ size }) => size === '7')).toEqual({ title: 'note 7', size: '7', tags: '["\\"7\\","]' });
    const { text: whole } = await exported('/exports/note?format=csv&size=lt.0');
    expect(whole).toBe('id,created_at,updated_at,created_by,updated_by,revision,title,size,tags,_extra\n');
  });

  it('of which only the head is asked for reads nothing more', async () => {
    const authorization = `Bearer ${await test.token(['viewer'], own.id)}`;
    const response = await fetch(url('/exports/note'), { method: 'HEAD', headers: { authorization } });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
  });
});

describe('the memory of a service', () => {
  it('does not grow with what it exports', async () => {
    await own.define('wide', NOTE);
    await test.database.admin(
      `insert into ${own.schemaName}.wide (tenant_id, id, title, created_at, updated_at, created_by, updated_by, revision)
       select $1, gen_random_uuid(), repeat(md5(n::text), 60), now(), now(), 'x', 'x', 1
       from generate_series(1, 100000) as n`,
      [own.id],
    );
    const child = await startChildService(around.environment);
    try {
      const residentMegabytes = async (): Promise<number> => {
        const text = await (await fetch(`${child.url}/metrics`)).text();
        return Number(/^process_resident_memory_bytes (\S+)$/m.exec(text)?.[1]) / 1e6;
      };
      const before = await residentMegabytes();
      const authorization = `Bearer ${await test.token(['viewer'], own.id)}`;
      const response = await fetch(`${child.url}/api/v1/tenants/${own.id}/exports/wide`, { headers: { authorization } });
      let [bytes, most, looked] = [0, before, 0];
      for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
        bytes += chunk.length;
        if (bytes - looked < 20e6) continue;
        most = Math.max(most, await residentMegabytes());
        looked = bytes;
      }
      expect(bytes).toBeGreaterThan(200e6);
      expect(most - before).toBeLessThan(150);
    } finally {
      await child.stop();
    }
  }, 120_000);
});

describe('an export of much', () => {
  beforeAll(() => fill('big', 40));

  it('holds no connection while its client takes nothing, and ends with the client', async () => {
    const responses = await Promise.all(Array.from({ length: 8 }, () => opened('/exports/big')));
    // More than there are connections: each waits for its client, and others are served.
    await eventually(() => isIdle());
    expect((await (await own.as())('get', '/records/note?limit=1')).status).toBe(200);
    for (const response of responses) response.destroy();
    await eventually(() => isIdle());
  });

  it('breaks the connection off when the entity is changed meanwhile, so that nobody takes a part for the whole', async () => {
    const response = await opened('/exports/big');
    await own.define('big', { ...NOTE, properties: { ...NOTE.properties, added: { type: 'string' } } });
    const whole = response.reduce((sum: number, chunk: Buffer) => sum + chunk.length, 0);
    await expect(whole).rejects.toThrow('aborted');
  });

  it('is whole when nothing happens', async () => {
    const { text } = await exported('/exports/big');
    expect(linesOf(text)).toHaveLength(40);
  });
});
