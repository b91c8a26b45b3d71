/** Ids of another tenant, wherever an id is taken: in paths, in queries, among a thousand others. They are worth what invented ones are. */

import { randomUUID } from 'node:crypto';
import { uuidV7 } from '../../src/platform/uuid.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const ALBUM = {
  type: 'object',
  softDelete: true,
  history: 'full',
  properties: { code: { type: 'string', unique: true }, size: { type: 'integer' } },
};
const NDJSON = 'application/x-ndjson';

/** Of the paths' parameters: those that are ids of something, and those that are names or numbers of the tenant's own choice. */
const IDS = ['id', 'importId', 'changeId', 'keyId', 'role', 'webhookId', 'deliveryId', 'jobId'];
const NAMES = ['tenantId', 'entity', 'property', 'version', 'pack', 'name'];

let test: TestService;
let own: TestTenant;
let foreign: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
/** What the other tenant really has, by the name of the parameter. */
let theirs: Record<string, string>;
/** What there is at home, for paths that take two ids. */
let mine: Record<string, string>;

beforeAll(async () => {
  test = await startTestService();
  [own, foreign] = [await test.tenant(), await test.tenant()];
  for (const tenant of [own, foreign]) await tenant.define('album', ALBUM);
  call = await own.as();
  const there = await foreign.as();
  const record = (await there('post', '/records/album').send({ code: 'theirs' }).expect(201)).body;
  const imported = (await there('post', '/imports/album').set('content-type', NDJSON).send('{"code":"imported"}\n').expect(200))
    .body;
  // A table of so many records is changed in steps, and such a change has an id.
  await test.database.admin(
    `insert into "${foreign.schemaName}".album (tenant_id, id, size, created_at, updated_at, created_by, updated_by, revision)
     select '${foreign.id}', gen_random_uuid(), n, now(), now(), 'x', 'x', 1 from generate_series(1, 12000) as n`,
  );
  const indexed = { ...ALBUM, properties: { ...ALBUM.properties, size: { type: 'integer', index: true } } };
  const plan = (await there('post', '/entities/album/plan').send(indexed).expect(200)).body;
  await there('post', '/entities/album/apply').send({ document: indexed, hash: plan.hash }).expect(200);
  const changes = (await there('get', '/entities/album/changes').expect(200)).body;
  const gone = (await there('post', '/records/album').send({ code: 'gone' }).expect(201)).body;
  await there('delete', `/records/album/${gone.id}`).expect(204);
  const key = (
    await there('post', '/api-keys')
      .send({ name: 'theirs', roles: ['viewer'] })
      .expect(201)
  ).body;
  const role = inventedRole();
  await there('put', `/roles/${role}`)
    .send({ inherits: ['viewer'] })
    .expect(201);
  const [webhookId, ownWebhook] = [await webhookOf(foreign), await webhookOf(own)];
  const deliveryId = uuidV7();
  await test.database.admin(
    `insert into business_store_service.webhook_deliveries
       (tenant_id, webhook_id, event_id, seq, action, status, tries, attempts, finished_at, expires_at)
     values ($1, $2, $3, 1, 'record.created', 'dead', 1, '[]', now(), now() + interval '1 day')`,
    [foreign.id, webhookId, deliveryId],
  );
  mine = { webhookId: ownWebhook };
  theirs = {
    ...{ role, webhookId, deliveryId },
    keyId: key.id,
    id: record.id,
    deletedId: gone.id,
    importId: imported.id,
    jobId: await keyJobOf(foreign),
    changeId: changes.items[0].id,
  };
});

afterAll(() => test.stop());

/** A webhook that could be sent something, and is not for now. */
async function webhookOf(tenant: TestTenant): Promise<string> {
  const body = { url: 'https://example.com/hook', events: ['rollout.finished'], enabled: false };
  const { id } = (await (await tenant.as())('post', '/webhooks').send(body).expect(201)).body;
  await test.database.admin(
    "update business_store_service.webhooks set enabled = true, resume_at = now() + interval '1 day' where webhook_id = $1",
    [id],
  );
  return id;
}

/** Work on the tenant's keys that is over. */
async function keyJobOf(tenant: TestTenant): Promise<string> {
  const jobId = uuidV7();
  await test.database.admin(
    `insert into business_store_service.key_jobs
       (tenant_id, job_id, kind, purpose, version, status, created_by, request_id, finished_at)
     values ($1, $2, 'rotate', 'encrypt', 2, 'done', 'x', 'x', now())`,
    [tenant.id, jobId],
  );
  return jobId;
}

const inventedRole = (): string => `r${uuidV7()}`;

type Answer = Awaited<ReturnType<typeof call>>;

/** Everything of an answer that could tell two ids apart, the ids themselves aside. */
function toldBy({ status, text, headers }: Answer, id: string): unknown {
  const { date: _, ratelimit: __, ...kept } = headers;
  return JSON.parse(JSON.stringify({ status, text, kept }).replaceAll(id, 'the-id'));
}

interface Operation {
  readonly method: Method;
  /** Below the tenant's own path. */
  readonly path: string;
  readonly parameter: string;
}

async function operationsWithIds(): Promise<Operation[]> {
  const tenant = (await call('get', '/openapi.json').expect(200)).body.paths as Record<string, object>;
  const platform = (await test.request(null, 'get', '/api/v1/openapi.json').expect(200)).body.paths as Record<string, object>;
  const below = '/api/v1/tenants/{tenantId}';
  const paths: [string, object][] = [
    ...Object.entries(tenant),
    ...Object.entries(platform).flatMap(([path, methods]): [string, object][] =>
      path.startsWith(`${below}/`) ? [[path.slice(below.length), methods]] : [],
    ),
  ];
  const parameters = new Set(paths.flatMap(([path]) => [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)));
  expect([...parameters].filter((name) => !IDS.includes(name) && !NAMES.includes(name))).toEqual([]);
  return paths.flatMap(([path, methods]) =>
    IDS.filter((name) => path.includes(`{${name}}`)).flatMap((parameter) =>
      Object.keys(methods)
        .filter((method) => /^(get|post|put|patch|delete)$/.test(method))
        // To give a role a name is to make it.
        .filter((method) => parameter !== 'role' || method !== 'put')
        .map((method) => ({ method: method as Method, path: path.replaceAll('{entity}', 'album'), parameter })),
    ),
  );
}

/** That nobody who has the id would be refused for. */
function bodyFor(path: string): object {
  if (path.endsWith('/replay')) return { fromSeq: 1 };
  return /^\/(api-keys|webhooks)\//.test(path) ? {} : { code: 'mine' };
}

describe('an id of another tenant in a path', () => {
  it('gets the answer of an invented one, byte for byte, on every operation of both documents', async () => {
    const operations = await operationsWithIds();
    expect(new Set(operations.map(({ parameter }) => parameter))).toEqual(new Set(IDS));
    for (const { method, path, parameter } of operations) {
      const ask = async (id: string) => {
        const at = path.replace(`{${parameter}}`, id).replaceAll(/\{(\w+)\}/g, (_, name) => mine[name] ?? uuidV7());
        const request = call(method, at).set('x-request-id', 'the-same');
        return toldBy(await (method === 'get' ? request : request.send(bodyFor(path))), id);
      };
      const answer = await ask(theirs[path.startsWith('/deleted/') ? 'deletedId' : parameter] as string);
      expect([method, path, answer]).toEqual([method, path, await ask(parameter === 'role' ? inventedRole() : uuidV7())]);
      expect([method, path, (answer as { status: number }).status]).toEqual([method, path, 404]);
    }
    const there = await foreign.as();
    expect((await there('get', `/records/album/${theirs.id}`)).body).toMatchObject({ code: 'theirs', revision: 1 });
    // At home each of them is there.
    for (const path of [
      `/imports/${theirs.importId}`,
      `/entities/album/changes/${theirs.changeId}`,
      `/api-keys/${theirs.keyId}`,
      `/roles/${theirs.role}`,
      `/webhooks/${theirs.webhookId}`,
    ]) {
      await there('get', path).expect(200);
    }
  });
});

describe('an id of another tenant in a query', () => {
  it('goes on with nobody’s import, and is free to name one’s own', async () => {
    const send = (query: string) =>
      call('post', `/imports/album${query}`).set('content-type', NDJSON).set('x-request-id', 'same');
    const [ofTheirs, invented] = [theirs.importId as string, uuidV7()];
    const resumed = await send(`?resume=${ofTheirs}`).send('');
    expect(resumed.status).toBe(404);
    expect(toldBy(resumed, ofTheirs)).toEqual(toldBy(await send(`?resume=${invented}`).send(''), invented));
    await send(`?id=${ofTheirs}`).send('').expect(200);
  });

  it('finds nothing and changes nothing below /rest/v1', async () => {
    const bearer = await test.token(['editor'], own.id);
    for (const method of ['get', 'patch', 'delete'] as const) {
      const ask = async (id: string) => {
        const request = test.request(bearer, method, `/rest/v1/album?id=eq.${id}`).set('x-request-id', 'same');
        const counted = request.set('prefer', 'count=exact, return=representation');
        return toldBy(await (method === 'patch' ? counted.send({ size: 1 }) : counted), id);
      };
      expect([method, await ask(theirs.id as string)]).toEqual([method, await ask(uuidV7())]);
    }
  });
});

describe('an id of another tenant in what is asked beside records', () => {
  /** Next to it in the order of ids, so that pages begin at the same place. */
  const beside = (id: string) => id.slice(0, -1) + (id.endsWith('0') ? '1' : '0');

  it('is worth an invented one to every list that goes on after an id, and to the trail that is searched by one', async () => {
    const there = await foreign.as();
    const event = (await there('get', '/audit?limit=1').expect(200)).body.items[0].id as string;
    const { keyId, webhookId, deliveryId, id } = theirs as Record<string, string>;
    const asked: [string, string | undefined][] = [
      ...[event, keyId, webhookId].flatMap((each): [string, string | undefined][] =>
        ['/audit?after=', '/api-keys?after=', '/webhooks?after=', '/grants?after='].map((path) => [path, each]),
      ),
      [`/webhooks/${mine.webhookId}/deliveries?after=`, deliveryId],
      ['/audit?recordId=', id],
    ];
    for (const [path, each] of asked) {
      const ask = async (value: string) => toldBy(await call('get', path + value).set('x-request-id', 'the-same'), value);
      expect([path, await ask(each as string)]).toEqual([path, await ask(beside(each as string))]);
    }
  });

  it('is worth an invented one in bodies', async () => {
    await own.define('single', {
      type: 'object',
      properties: { album: { type: 'string', format: 'uuid', relation: { entity: 'album' } } },
    });
    const asked: [string, (id: string) => object][] = [
      ['/records/single', (album) => ({ album })],
      ['/audit/erasures', (recordId) => ({ entity: 'album', recordId, reason: 'to see whether it is there', dryRun: true })],
      ['/audit/erasures', (recordId) => ({ entity: 'album', recordId, reason: 'to see whether it is there' })],
    ];
    for (const [path, body] of asked) {
      const ask = async (id: string) => toldBy(await call('post', path).set('x-request-id', 'the-same').send(body(id)), id);
      expect([path, await ask(theirs.id as string)]).toEqual([path, await ask(uuidV7())]);
    }
  });
});

describe('one among a thousand', () => {
  const COUNT = 400;
  let ids: string[];

  beforeAll(async () => {
    const records = Array.from({ length: COUNT - 1 }, (_, n) => ({ code: `own ${n}` }));
    ids = (await call('post', '/records/album').send(records).expect(201)).body.map(({ id }: { id: string }) => id);
  });

  /** A request line holds 16 KB, which is some four hundred ids. */
  const among = (id: string) => `/records/album?id=in.(${[...ids.slice(0, 200), id, ...ids.slice(200)].join(',')})&order=code`;

  it('is not found, changed or deleted, and nothing tells it from one that nobody has', async () => {
    const invented = uuidV7();
    const rounds: ((id: string) => PromiseLike<Answer>)[] = [
      (id) => call('get', among(id)).set('prefer', 'count=exact'),
      (id) => call('patch', among(id)).set('prefer', 'count=exact, return=minimal').send({ size: 1 }),
      (id) => call('patch', among(id)).set('prefer', 'handling=strict, max-affected=398, return=minimal').send({ size: 1 }),
      (id) => call('delete', among(id)).set('prefer', 'count=exact, tx=rollback, return=minimal'),
    ];
    for (const ask of rounds) {
      const [of, other] = [await ask(theirs.id as string), await ask(invented)];
      const told = (answer: Answer) => [
        ...[answer.status, answer.headers['content-range'], answer.body.type, answer.body.length],
        JSON.stringify(answer.body).includes(theirs.id as string),
      ];
      expect(told(of)).toEqual(told(other));
    }
    expect((await call('get', among(theirs.id as string)).set('prefer', 'count=exact')).headers['content-range']).toBe(
      '0-398/399',
    );
    expect((await (await foreign.as())('get', `/records/album/${theirs.id}`)).body).toMatchObject({ revision: 1 });
  });

  it('makes a record of one’s own in a bulk insert and in an upsert, as any other id would', async () => {
    const bulk = (id: string, resolution: string) => {
      const records = Array.from({ length: 1_000 }, (_, n) => ({ id: n === 500 ? id : randomUUID(), size: n }));
      return call('post', '/records/album').set('prefer', `${resolution}tx=rollback, return=minimal`).send(records);
    };
    for (const resolution of ['', 'resolution=merge-duplicates, ', 'resolution=ignore-duplicates, ']) {
      const [of, other] = [await bulk(theirs.id as string, resolution), await bulk(uuidV7(), resolution)];
      expect([resolution, of.status, of.text]).toEqual([resolution, 201, '']);
      expect([of.status, of.text, of.headers['preference-applied']]).toEqual([
        ...[other.status, other.text],
        other.headers['preference-applied'],
      ]);
    }
    expect((await (await foreign.as())('get', `/records/album/${theirs.id}`)).body).toMatchObject({
      code: 'theirs',
      revision: 1,
    });
  });
});
