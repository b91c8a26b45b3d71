/** Row rules on every path that reads: what a caller may not see is not there, is not counted and does not sort, group or embed. */

import { randomUUID } from 'node:crypto';
import { ROW_RULE_POLICIES } from '../../src/model/ddl/row-rule-policies.js';
import { type Call, document } from '../harness/definitions.js';
import { refusal } from '../harness/problem.js';
import { callAs, makeRole } from '../harness/row-callers.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let north: Call;
let nobody: Call;
const ids = new Map<string, string>();

const text = { type: 'string' };
const seller = { claims: { regions: ['north'] } };

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
  await makeRole(tenant, 'seller');
  await makeRole(tenant, 'stranger');
  await tenant.define(
    'area',
    document(
      { name: { ...text, unique: true } },
      { rowRules: { viewer: { read: { name: { in: { claim: 'regions' } } } }, seller: { read: true } } },
    ),
  );
  await tenant.define(
    'deal',
    document(
      {
        title: text,
        region: { ...text, relation: { entity: 'area', field: 'name', onDelete: 'restrict' } },
        amount: { type: 'integer' },
      },
      {
        history: 'full',
        softDelete: true,
        rowRules: { seller: { read: { region: { in: { claim: 'regions' } } } }, auditor: { read: false } },
      },
    ),
  );
  await tenant.define('tag', document({ label: text }));
  await tenant.define(
    'tagging',
    document(
      {
        deal: { ...text, format: 'uuid', relation: { entity: 'deal', onDelete: 'restrict', inverse: 'taggings' } },
        tag: { ...text, format: 'uuid', relation: { entity: 'tag', onDelete: 'restrict' } },
      },
      { uniqueKeys: [['deal', 'tag']] },
    ),
  );
  for (const name of ['north', 'south']) await admin('post', '/records/area').send({ name }).expect(201);
  const add = async (entity: string, body: Record<string, unknown>) => {
    const { body: made } = await admin('post', `/records/${entity}`).send(body).expect(201);
    ids.set(String(body.title ?? body.label ?? ''), made.id);
    return made.id as string;
  };
  await add('tag', { label: 'hot' });
  for (const [title, region, amount] of [
    ['n1', 'north', 1],
    ['n2', 'north', 2],
    ['s1', 'south', 40],
    ['none', undefined, 80],
  ]) {
    const deal = await add('deal', { title, amount, ...(region === undefined ? {} : { region }) });
    await add('tagging', { deal, tag: ids.get('hot') });
  }
  north = await callAs(test, tenant, { roles: ['seller'], ...seller });
  nobody = await callAs(test, tenant, { roles: ['stranger'], ...seller });
});

afterAll(() => test.stop());

const titles = async (call: Call, query = ''): Promise<string[]> =>
  (await call('get', `/records/deal?select=title&order=title${query}`).expect(200)).body.map(
    ({ title }: { title: string }) => title,
  );

describe.each([
  ['by both locks', []],
  ['by the service alone', ROW_RULE_POLICIES],
])("a row that is not the caller's is, %s,", (_, dropped) => {
  beforeAll(async () => {
    for (const name of dropped) {
      for (const table of ['area', 'deal']) await test.database.admin(`drop policy ${name} on "${tenant.schemaName}".${table}`);
    }
  });

  it('not found by its id, with the very same answer as a random one', async () => {
    const [hidden, random] = await Promise.all([ids.get('s1'), randomUUID()].map((id) => north('get', `/records/deal/${id}`)));
    expect(refusal(hidden!)).toBe('404 record/not-found');
    expect({ ...hidden!.body, instance: 0 }).toEqual({ ...random!.body, instance: 0 });
    expect(hidden!.headers['content-length']).toBe(random!.headers['content-length']);
    await north('get', `/records/deal/${ids.get('n1')}`).expect(200);
  });

  it('not in a list, whatever is asked for', async () => {
    expect(await titles(north)).toEqual(['n1', 'n2']);
    expect(await titles(north, '&region=eq.south')).toEqual([]);
    expect(await titles(north, '&or=(region.eq.south,amount.gt.0)')).toEqual(['n1', 'n2']);
    expect(await titles(north, '&not.and=(amount.lt.0,amount.gt.5)')).toEqual(['n1', 'n2']);
    expect(await titles(north, `&id=eq.${ids.get('s1')}`)).toEqual([]);
    expect(await titles(admin)).toEqual(['n1', 'n2', 'none', 's1']);
  });

  it('not counted, and nothing is estimated from it', async () => {
    for (const kind of ['exact', 'planned', 'estimated']) {
      const answer = await north('get', '/records/deal?limit=1').set('prefer', `count=${kind}`).expect(200);
      expect(answer.headers['content-range']).toBe('0-0/2');
    }
    const planned = await north('get', '/records/tag?select=label,deal(title)&limit=1')
      .set('prefer', 'count=planned')
      .expect(200);
    expect(planned.headers['content-range']).toBe('0-0/1');
  });

  it('in no total, group or greatest value', async () => {
    const { body } = await north('get', '/records/deal?select=amount.sum(),amount.max(),count()').expect(200);
    expect(body).toEqual([{ sum: 3, max: 2, count: 2 }]);
    expect((await north('get', '/records/deal?select=region,count()').expect(200)).body).toEqual([{ region: 'north', count: 2 }]);
  });

  it('in no embedding: to many, to one, through a junction, and not sorted or filtered by', async () => {
    const viewer = await callAs(test, tenant, { roles: ['viewer'], ...seller });
    const toOne = await viewer('get', '/records/deal?select=title,area(name)&order=title').expect(200);
    expect(toOne.body.map(({ area }: { area: unknown }) => area)).toEqual([{ name: 'north' }, { name: 'north' }, null, null]);
    const inner = await viewer('get', '/records/deal?select=title,area!inner(name)&order=title').expect(200);
    expect(inner.body).toHaveLength(2);
    const sorted = await viewer('get', '/records/deal?select=title,area(name)&order=area(name).desc.nullslast,title').expect(200);
    expect(sorted.body.map(({ title }: { title: string }) => title)).toEqual(['n1', 'n2', 'none', 's1']);
    const toMany = await north('get', '/records/area?select=name,deal(title)').expect(200);
    expect(toMany.body.map(({ deal }: { deal: { title: string }[] }) => deal.length).sort()).toEqual([0, 2]);
    const through = await north('get', '/records/tag?select=label,deal(title)').expect(200);
    expect(through.body[0].deal.map(({ title }: { title: string }) => title).sort()).toEqual(['n1', 'n2']);
    const counted = await north('get', '/records/tag?select=label,deal(count())').expect(200);
    expect(counted.body).toEqual([{ label: 'hot', deal: [{ count: 2 }] }]);
    const present = await north('get', '/records/tagging?select=id,deal()&deal=is.null').expect(200);
    expect(present.body).toHaveLength(2);
    const spread = await north('get', '/records/tagging?select=...deal(title)&order=deal(title)').expect(200);
    expect(spread.body.map(({ title }: { title: string | null }) => title)).toEqual(['n1', 'n2', null, null]);
  });

  it('not exported', async () => {
    const { text: lines } = await north('get', '/exports/deal').expect(200);
    expect(lines).toContain('"n1"');
    expect(lines).not.toContain('s1');
  });

  it('not listed for a role that the rules do not name, nor for one that may read nothing', async () => {
    expect(await titles(nobody)).toEqual([]);
    expect(await titles(await callAs(test, tenant, { roles: ['auditor'] }))).toEqual([]);
    expect((await nobody('get', '/records/area').expect(200)).body).toEqual([]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['absent', {}],
    ['of another type', { regions: 7 }],
    ['a list with an element of another type', { regions: ['north', 7] }],
    ['empty', { regions: [] }],
    ['another', { region: ['north'] }],
  ])('not found by a claim that is %s', async (_, claims) => {
    expect(await titles(await callAs(test, tenant, { roles: ['seller'], claims: claims as never }))).toEqual([]);
  });

  it('not reached by the cursor of one who sees it', async () => {
    const wide = await callAs(test, tenant, { roles: ['seller'], claims: { regions: ['north', 'south'] } });
    const first = await wide('get', '/records/deal?select=title&order=title&limit=1&after=').expect(200);
    const next = /<([^>]*)>; rel="next"/.exec(first.headers.link as string)?.[1] as string;
    const path = next.slice(next.indexOf('/records'));
    expect((await wide('get', path).expect(200)).body).toEqual([{ title: 'n2' }]);
    expect(refusal(await north('get', path))).toBe('400 request/invalid-cursor');
  });
});

it('a claim that is no list is a list of one, and roles add up', async () => {
  expect(await titles(await callAs(test, tenant, { roles: ['seller'], claims: { regions: 'south' } }))).toEqual(['s1']);
  expect(await titles(await callAs(test, tenant, { roles: ['seller', 'stranger'], ...seller }))).toEqual(['n1', 'n2']);
  expect(await titles(await callAs(test, tenant, { roles: ['seller', 'viewer'], ...seller }))).toEqual([
    'n1',
    'n2',
    'none',
    's1',
  ]);
  expect(await titles(await callAs(test, tenant, { roles: ['auditor', 'viewer'] }))).toEqual(['n1', 'n2', 'none', 's1']);
});

it('callers of the same words see their own rows, one after the other', async () => {
  for (let round = 0; round < 3; round++) {
    for (const [region, seen] of [
      ['north', ['n1', 'n2']],
      ['south', ['s1']],
    ] as const) {
      expect(await titles(await callAs(test, tenant, { roles: ['seller'], claims: { regions: [region] } }))).toEqual(seen);
    }
  }
});
