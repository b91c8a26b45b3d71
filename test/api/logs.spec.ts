/** What the logs tell and what they never tell: one JSON line per event, ids of request and tenant, no word of a client. */
import { connect } from 'node:net';
import { type ChildService, startChildService } from '../harness/child-service.js';
import { apiOf, type TestTenant } from '../harness/service.js';
import { createSurroundings, type Surroundings } from '../harness/surroundings.js';

// Processes of their own take their time on a busy machine.
jest.setTimeout(60_000);

/** Unique, and every place gets one of its own, so that a leak names its source. */
const CANARY = 'Kanarienvogel';
const canary = (place: string): string => `${CANARY}-${place}`;

let around: Surroundings;
let service: ChildService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  around = await createSurroundings();
  service = await startChildService({ ...around.environment, LOG_LEVEL: 'debug' });
  tenant = await apiOf(service.url, around.token).tenant('log-tenant');
  await tenant.define('note', {
    type: 'object',
    title: canary('document title'),
    properties: {
      title: { type: 'string', unique: true, description: canary('description') },
      size: { type: 'integer' },
      mood: { type: 'string', enum: [canary('enum'), 'good'], default: 'good' },
    },
    additionalProperties: true,
  });
  call = await tenant.as();
});

afterAll(async () => {
  await service.stop();
  await around.stop();
});

describe('the logs hold no word', () => {
  it('of a body: stored, changed, deleted, refused, or not even JSON', async () => {
    const { body } = await call('post', '/records/note').send({ title: canary('stored'), [canary('member')]: canary('extra') });
    expect(body.title).toBe(canary('stored'));
    const { status } = await call('patch', `/records/note/${body.id}`).send({ title: canary('patched') });
    expect(status).toBe(200);
    expect((await call('delete', `/records/note/${body.id}`)).status).toBe(204);
    expect(
      (await call('post', '/records/note').send({ title: 1, size: canary('not a number'), mood: canary('mood') })).status,
    ).toBe(422);
    for (const text of [
      canary('bare'),
      `{"title":"${canary('torn')}`,
      `{"a":"${canary('twice')}","a":1}`,
      `{"__proto__":"${canary('proto')}"}`,
    ]) {
      expect((await raw('post', '/records/note', text)).status).toBe(400);
    }
    expect((await raw('post', '/records/note', canary('text'), { 'content-type': `text/${canary('type')}` })).status).toBe(415);
  });

  it('of a query string or a path', async () => {
    const value = canary('query');
    for (const [query, wanted] of [
      [`title=eq.${value}`, 200],
      [`title=${value}.x`, 400],
      [`${value}=eq.1`, 400],
      [`select=${value}`, 400],
      [`order=${value}.desc`, 400],
      [`or=(title.eq.${value}`, 400],
      [`size=eq.${value}`, 400],
      [`size=in.(1,${value})`, 400],
      [`limit=${value}`, 400],
    ] as const) {
      expect([query, (await call('get', `/records/note?${query}`)).status]).toEqual([query, wanted]);
    }
    expect((await call('get', `/records/${canary('entity')}`)).status).toBe(404);
    expect((await call('get', `/records/note/${canary('id')}`)).status).toBe(404);
    expect((await call('get', `/${canary('nowhere')}`)).status).toBe(404);
    expect((await call('get', `/records/note/%zz${canary('bad escape')}`)).status).toBe(400);
    expect((await call('get', `/audit?action=${canary('action')}&after=${canary('after')}`)).status).toBe(422);
  });

  it('of a header', async () => {
    const value = canary('header');
    const names = ['user-agent', 'cookie', 'referer', 'x-forwarded-for', 'x-canary', 'accept', 'traceparent', 'prefer', 'range'];
    for (const name of [...names, 'if-match', 'if-none-match', 'content-encoding', 'x-request-id', 'x-access-grant']) {
      const headers = { [name]: `${value} ${name}` };
      expect((await raw('patch', '/records/note/x', '{}', headers)).status).toBeLessThan(500);
      expect((await raw('get', '/records/note', undefined, headers)).status).toBeLessThan(500);
    }
    for (const authorization of [`Bearer ${value}`, `Basic ${value}`, `Bearer a.${value}.b`]) {
      expect((await raw('get', '/entities', undefined, { authorization })).status).toBe(401);
    }
  });

  it('of an error of the database, whether foreseen or not', async () => {
    const { admin } = around.database;
    const table = `"${tenant.schemaName}".note`;
    await admin(`alter table ${table} add constraint no_canary check (title not like '%checked%')`);
    await admin(`create function "${tenant.schemaName}".object() returns trigger language plpgsql as $$
      begin
        if new.title like '%raised%' then
          raise exception E'%\\n    at %', new.title, new.title using detail = new.title, hint = new.title;
        end if;
        return new;
      end $$`);
    await admin(`create trigger object before insert on ${table} for each row execute function "${tenant.schemaName}".object()`);
    await admin(`grant execute on function "${tenant.schemaName}".object() to public`);

    await call('post', '/records/note').send({ title: canary('unique') });
    const answers = [];
    for (const body of [
      { title: canary('unique') },
      { title: canary('checked') },
      { title: `${canary('raised')}\n    at ${CANARY}` },
    ]) {
      const response = await call('post', '/records/note').send(body);
      answers.push(response.status);
      expect(response.text).not.toContain(CANARY);
    }
    answers.push((await call('get', '/records/note?size=eq.99999999999999999999')).status);
    expect(answers).toEqual([409, 400, 500, 400]);
  });

  it('of a definition or a tenant', async () => {
    const refused = await call('put', '/entities/bad').send({
      type: 'object',
      properties: { [canary('p"')]: { pattern: `(${CANARY}` } },
    });
    expect(refused.status).toBe(422);
    expect((await call('put', `/entities/${canary('name')}%00`).send({})).status).toBeGreaterThanOrEqual(400);
    const system = await around.token(['system_admin']);
    const { request } = apiOf(service.url, around.token);
    const slug = CANARY.toLowerCase();
    for (const status of [201, 409]) {
      expect((await request(system, 'post', '/api/v1/tenants').send({ slug, name: canary('tenant') })).status).toBe(status);
    }
    expect((await request(system, 'post', '/api/v1/tenants').send({ slug: canary('Slug') })).status).toBe(422);
  });

  it('of any of that, in any line', async () => {
    await call('get', '/entities').set('x-request-id', 'last-of-the-canaries');
    expect(await lineOf('last-of-the-canaries')).toBeDefined();
    const leaks = service.stdout.split('\n').filter((line) => line.toLowerCase().includes(CANARY.toLowerCase()));
    expect(leaks).toEqual([]);
  });
});

describe('a request line', () => {
  it('carries the id of the request and of the tenant, the route as declared, and the outcome', async () => {
    await call('get', '/records/note?limit=1').set('x-request-id', 'line-1');
    await apiOf(service.url, around.token).request(null, 'get', '/healthz').set('x-request-id', 'line-2');
    expect(await lineOf('line-1')).toEqual({
      level: 'info',
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      service: 'business-store',
      requestId: 'line-1',
      tenantId: tenant.id,
      method: 'GET',
      route: '/api/v1/tenants/:tenantId/records/:entity',
      status: 200,
      ms: expect.any(Number),
      msg: 'request',
    });
    expect(await lineOf('line-2')).not.toHaveProperty('tenantId');
  });

  it('says of a refused token why, to whoever runs the service at debug', async () => {
    const token = (await around.token(['admin'], tenant.id)).replace(/.{8}$/, 'AAAAAAAA');
    await raw('get', '/entities', undefined, { authorization: `Bearer ${token}`, 'x-request-id': 'refused-1' });
    const refused = (await linesOf('refused-1')).find(({ code }) => code === 'auth/invalid-token');
    expect(refused).toMatchObject({ level: 'debug', reason: expect.stringMatching(/signature/) });
  });

  it.each([
    ['kept when it is safe', 'a-B_c.9:z', true],
    ['kept up to 128 characters', 'x'.repeat(128), true],
    ['replaced when longer', 'x'.repeat(129), false],
    ['replaced when it has blanks', 'two words', false],
    ['replaced when it breaks JSON', '"},{"level":"fatal', false],
    ['replaced when it is coloured', '%1b[31mred', false],
    ['replaced when it is not ASCII', 'Größe', false],
  ])('has the caller’s X-Request-Id %s', async (_name, given, kept) => {
    const response = await call('get', '/nowhere').set('x-request-id', given);
    const id = response.headers['x-request-id'] as string;
    expect(id === given).toBe(kept);
    if (!kept) expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(response.body.instance).toBe(`urn:bss:request:${id}`);
    expect((await lineOf(id)).requestId).toBe(id);
  });

  it('is one line of JSON, whatever headers and paths are made of', async () => {
    const hostile = ['\u2028', '\u2029', '\u001b[2J', '"},{"x":"', '=cmd()', '\u0085', '\t'];
    const before = lines().length;
    for (const text of hostile) {
      const octets = Buffer.from(text).toString('latin1');
      await exchange(
        `GET /api/v1/session?q=${encodeURIComponent(text)} HTTP/1.1\r\nHost: x\r\nUser-Agent: ${octets}\r\nX-Request-Id: ${octets}\r\n`,
      );
      await exchange(`GET /${encodeURIComponent(text)}%0d%0aforged HTTP/1.1\r\nHost: x\r\n`);
    }
    // What is no HTTP at all is refused before there is a request to tell of.
    await exchange('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: one\r\n {"level":"fatal"}\r\n');
    await exchange('GET /healthz HTTP/1.1\r\nHost: x\r\nX-Request-Id: a\nforged: line\r\n');
    await exchange(`GET /healthz HTTP/1.1\r\nHost: x\r\nUser-Agent: ${'x'.repeat(1_000_000)}\r\n`);
    await call('get', '/entities').set('x-request-id', 'after-all-that');
    await lineOf('after-all-that');

    const written = lines().slice(before);
    expect(written.filter(({ msg }) => msg === 'request').length).toBeGreaterThanOrEqual(2 * hostile.length);
    for (const line of service.stdout.trimEnd().split(/\r\n|[\n\r\u0085\u2028\u2029]/)) {
      expect(line).toMatch(/^\{.*\}$/);
      expect(line).not.toContain('\u001b');
    }
  });
});

describe('metrics', () => {
  it('count requests by method, route and status, and name no tenant, entity or client', async () => {
    const { text } = await apiOf(service.url, around.token).request(null, 'get', '/metrics');
    expect(text).toContain('route="/api/v1/tenants/:tenantId/records/:entity",status="409"');
    const labels = new Set([...text.matchAll(/[{,](\w+)="/g)].map(([, label]) => label));
    const known = [
      'method',
      'route',
      'status',
      'reason',
      'operation',
      'le',
      'state',
      'kind',
      'space',
      'type',
      'version',
      'major',
      'minor',
      'patch',
      'outcome',
      'quantile',
      'provider',
    ];
    expect([...labels].filter((label) => !known.includes(label as string))).toEqual([]);
    for (const name of [tenant.id, tenant.slug, tenant.schemaName, 'note"', CANARY]) {
      expect(text.toLowerCase()).not.toContain(name.toLowerCase());
    }
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}/);
  });
});

type Line = Record<string, unknown>;

function lines(): Line[] {
  return service.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
}

async function linesOf(requestId: string): Promise<Line[]> {
  for (let i = 0; i < 100; i++) {
    const found = service.stdout.includes(`"${requestId}"`) ? lines().filter((line) => line.requestId === requestId) : [];
    if (found.some(({ msg }) => msg === 'request')) return found;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no line of the request ${requestId}`);
}

async function lineOf(requestId: string): Promise<Line> {
  return (await linesOf(requestId)).find(({ msg }) => msg === 'request') as Line;
}

/** Below the tenant, with headers that win over those an admin would send. */
async function raw(method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> {
  const authorization = `Bearer ${await around.token(['admin'], tenant.id)}`;
  const url = `${service.url}/api/v1/tenants/${tenant.id}${path}`;
  return fetch(url, {
    method: method.toUpperCase(),
    body,
    headers: { authorization, 'content-type': 'application/json', ...headers },
  });
}

/** Sends the head as it is and waits for the end. */
function exchange(head: string): Promise<void> {
  const { hostname, port } = new URL(service.url);
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) });
    socket.on('error', () => resolve());
    socket.on('close', () => resolve());
    socket.resume();
    socket.write(Buffer.from(`${head}Connection: close\r\n\r\n`, 'latin1'));
  });
}
