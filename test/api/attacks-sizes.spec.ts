/** How much other tenants have: no answer, label or error tells it, though the tables of all are in one database. */

import type { Operation } from '../../src/access/operations.js';
import { ruleOf } from '../../src/access/operations.js';
import type { DeclaredRoute } from '../../src/http/assert-operations.js';
import { watchRoutes } from '../harness/routes.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

const ALBUM = {
  type: 'object',
  ...{ softDelete: true, history: 'full' },
  properties: { code: { type: 'string', unique: true }, size: { type: 'integer', index: true } },
};
/** Rows that the other tenant has; no clock and no counter comes by it. */
const THEIRS = 7_919;
const OWN = 3;

const routes = watchRoutes();
let test: TestService;
let own: TestTenant;
let foreign: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
let declared: DeclaredRoute[];
/** What would tell of the other tenant: its names, and its sizes in rows and bytes. */
let traces: RegExp;
/** Of a record. */
let id: string;

beforeAll(async () => {
  test = await startTestService();
  declared = await routes.declared();
  [own, foreign] = [await test.tenant(), await test.tenant()];
  for (const tenant of [own, foreign]) await tenant.define('album', ALBUM);
  call = await own.as();
  const records = Array.from({ length: OWN }, (_, n) => ({ code: `own ${n}` }));
  id = (await call('post', '/records/album').send(records).expect(201)).body[0].id;
  await call('patch', `/records/album/${id}`).send({ size: 1 }).expect(200);
  const table = `"${foreign.schemaName}".album`;
  await test.database.admin(
    `insert into ${table} (tenant_id, id, size, created_at, updated_at, created_by, updated_by, revision)
     select '${foreign.id}', gen_random_uuid(), n, now(), now(), 'x', 'x', 1 from generate_series(1, ${THEIRS}) as n`,
  );
  await test.database.admin(`analyze ${table}`);
  await test.database.admin(`analyze "${own.schemaName}".album`);
  const { rows } = await test.database.admin(
    `select pg_relation_size(oid)::text as bytes, pg_total_relation_size(oid)::text as total,
       database.size::text as database
     from pg_class, lateral (select pg_database_size(current_database()) as size) as database
     where oid = '${table}'::regclass`,
  );
  const sizes = [THEIRS, THEIRS + OWN, rows[0].bytes, rows[0].total, rows[0].database];
  const names = [foreign.id, foreign.slug, foreign.schemaName, foreign.schemaName.slice(2)];
  traces = new RegExp(`${names.join('|')}|(?<![\\d.a-f-])(?:${sizes.join('|')})(?![\\d.a-f-])`);
});

afterAll(async () => {
  await test.stop();
  jest.restoreAllMocks();
});

/** Whatever is said: headers too, but for those that name the moment. */
async function saidBy(request: PromiseLike<{ status: number; text?: string; headers: object }>): Promise<string> {
  const { status, text, headers } = await request;
  const { date: _, 'x-request-id': __, ...told } = headers as Record<string, string>;
  return `${status} ${JSON.stringify(told)} ${text ?? ''}`;
}

describe('what another tenant has', () => {
  it('is found by who looks for it where it is: the test can fail', async () => {
    const counted = (await foreign.as())('get', '/records/album?limit=1').set('prefer', 'count=exact');
    expect(await saidBy(counted)).toMatch(traces);
  });

  it('shows in no answer to a GET there is, whatever is counted, nor in what is public', async () => {
    const asked = declared.filter(({ method, operation }) => {
      const { scope } = ruleOf(operation as Operation);
      return method === 'GET' && scope !== 'system';
    });
    expect(asked.length).toBeGreaterThan(30);
    const told: string[] = [];
    for (const { path } of asked) {
      const url = path.replace(':tenantId', own.id).replace(':entity', 'album').replace(':version', '1').replace(':id', id);
      for (const count of ['exact', 'planned', 'estimated']) {
        const token = await test.token(['admin', 'auditor'], own.id);
        const request = test.request(token, 'get', url.replace(/:\w+/g, id)).set('prefer', `count=${count}`);
        const said = await saidBy(request);
        if (traces.test(said)) told.push(`${url} ${count}: ${traces.exec(said)?.[0]}`);
      }
    }
    expect(told).toEqual([]);
  });

  it('shows in no count of one’s own: exact, planned or estimated', async () => {
    const counted = async (path: string, count: string) =>
      String((await call('get', path).set('prefer', `count=${count}`)).headers['content-range']);
    for (const count of ['exact', 'planned', 'estimated']) {
      expect([count, await counted('/records/album', count)]).toEqual([count, `0-${OWN - 1}/${OWN}`]);
      expect(Number((await counted('/records/album?size=gt.0', count)).split('/')[1])).toBeLessThanOrEqual(OWN);
    }
    expect((await call('get', '/records/album?select=count()')).body).toEqual([{ count: OWN }]);
  });

  it('shows in no plan, refusal, import or export', async () => {
    const { size: _, ...fewer } = ALBUM.properties;
    const changed = { ...ALBUM, properties: { ...ALBUM.properties, size: { type: 'string' } } };
    const said = await Promise.all([
      saidBy(call('post', '/entities/album/plan').send(changed)),
      saidBy(call('post', '/entities/album/plan').send({ ...ALBUM, properties: fewer })),
      saidBy(call('put', '/entities/album').send(changed)),
      saidBy(call('delete', '/entities/album')),
      saidBy(call('get', '/entities/album/drift')),
      saidBy(call('post', '/records/album').send({ code: 'own 0' })),
      saidBy(call('patch', '/records/album?size=gte.0').set('prefer', 'handling=strict, max-affected=0').send({ size: 2 })),
      saidBy(call('post', '/imports/album?dryRun=true').set('content-type', 'application/x-ndjson').send('{"code":"own 0"}\n')),
      saidBy(call('get', '/records/album?size=lt.x')),
      saidBy(call('get', '/records/album?offset=5000').set('prefer', 'count=exact')),
    ]);
    expect(said.filter((each) => traces.test(each))).toEqual([]);
  });
});
