/** Record lists over HTTP: PostgREST's grammar on real rows, and what is refused of it. */

import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

const CAR = {
  type: 'object',
  required: ['number'],
  properties: {
    number: { type: 'integer', unique: true },
    name: { type: ['string', 'null'] },
    price: { type: 'string', format: 'decimal', precision: 12, scale: 2 },
    weight: { type: 'number' },
    sold: { type: 'boolean' },
    built: { type: 'string', format: 'date' },
    seen: { type: 'string', format: 'date-time' },
    opens: { type: 'string', format: 'time' },
    owner: { type: 'string', format: 'uuid' },
    address: { type: 'string', format: 'ipv4' },
    photo: { type: 'string', format: 'byte' },
    tags: { type: 'array' },
    secret: { type: 'string', writeOnly: true },
  },
};

const OWNER = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const CARS = [
  {
    number: 1,
    name: 'Ada',
    price: '10.50',
    weight: 0.1,
    sold: true,
    built: '2020-02-29',
    seen: '2024-01-01T00:00:00Z',
    opens: '09:30:00Z',
  },
  { number: 2, name: 'ada', price: '9.99', weight: 1e20, sold: false, built: '1999-12-31', owner: OWNER, address: '10.0.0.1' },
  { number: 3, name: '100% (sure), "yes"', price: '-1.00', photo: '+/8=', tags: ['a'] },
  { number: 4, name: 'a,b*c_d\\e', weight: -5, seen: '2024-01-01T00:00:00.000001Z' },
  { number: 5, name: null },
  { number: 6 },
  { number: -7, name: 'Ünïcødé 😀', undeclared: 'kept' },
];

beforeAll(async () => {
  test = await startTestService({ MAX_ROWS: '50' });
  tenant = await test.tenant();
  call = await tenant.as('viewer');
  await tenant.define('car', CAR);
  await (await tenant.as())('post', '/records/car').send(CARS).expect(201);
});

afterAll(() => test.stop());

const list = (query: string) => call('get', `/records/car?${query}`);
/** The numbers of the cars that a filter leaves, in order. */
async function numbers(filter: string): Promise<number[]> {
  const { status, body, text } = await list(`select=number&order=number&${filter}`);
  if (status !== 200) throw new Error(`${filter}: ${status} ${text}`);
  return body.map(({ number }: { number: number }) => number);
}

describe('a filter', () => {
  it.each<[string, number[]]>([
    ['number=eq.1', [1]],
    ['number=neq.1', [-7, 2, 3, 4, 5, 6]],
    ['number=gt.3&number=lte.5', [4, 5]],
    ['number=gte.6', [6]],
    ['number=lt.0', [-7]],
    ['number=in.(1,3,99)', [1, 3]],
    ['number=in.()', []],
    ['number=not.in.(1,2,3,4,5,6)', [-7]],
    ['name=eq.ada', [2]],
    ['name=eq.', []],
    ['name=ilike.ADA', [1, 2]],
    ['name=like.A*', [1]],
    ['name=not.like.A*', [-7, 2, 3, 4]],
    ['name=is.null', [5, 6]],
    ['name=not.is.null', [-7, 1, 2, 3, 4]],
    ['name=in.("100% (sure), \\"yes\\"",ada)', [2, 3]],
    ['name=eq.100%25 (sure), "yes"', [3]],
    ['name=eq.a,b*c_d\\e', [4]],
    ['name=like.*\\_d*', [4]],
    ['name=eq.Ünïcødé 😀', [-7]],
    ['name=gt.b', [-7]],
    ['price=eq.10.5', [1]],
    ['price=lt.10', [2, 3]],
    ['weight=eq.0.1', [1]],
    ['weight=gt.1e19', [2]],
    ['sold=is.true', [1]],
    ['sold=eq.false', [2]],
    ['sold=not.is.true', [-7, 2, 3, 4, 5, 6]],
    ['built=lt.2020-01-01', [2]],
    ['seen=gt.2024-01-01T00:00:00Z', [4]],
    ['seen=eq.2024-01-01T01:00:00%2B01:00', [1]],
    ['opens=eq.09:30:00Z', [1]],
    [`owner=eq.${OWNER.toUpperCase()}`, [2]],
    ['address=eq.10.0.0.1', [2]],
    ['photo=eq.%2B/8=', [3]],
    ['tags=not.is.null', [3]],
    ['or=(number.eq.1,name.is.null)', [1, 5, 6]],
    ['not.or=(number.lt.6,number.gt.6)', [6]],
    ['and=(number.gt.0,or(sold.is.true,price.lt.0))', [1, 3]],
    ['or=(number.eq.1,not.and(number.lt.6,number.gt.-1))', [-7, 1, 6]],
    ['or=(name.eq."a,b*c_d\\\\e",name.ilike.ünï*)', [-7, 4]],
    ['revision=eq.1&created_by=eq.admin@test&created_at=gt.2020-01-01', [-7, 1, 2, 3, 4, 5, 6]],
  ])('%s leaves %j', async (filter, expected) => {
    expect(await numbers(filter)).toEqual(expected);
  });

  it.each([
    ['nobody=eq.1', '"nobody"'],
    ['undeclared=eq.kept', '"undeclared"'],
    ['Number=eq.1', 'Did you mean "number"'],
    ['tenant_id=eq.1', '"tenant_id"'],
    ['_extra=is.null', '"_extra"'],
    ['secret=eq.x', 'write-only'],
    ['number=1', 'operator'],
    ['number=eq', 'operator'],
    ['number=foo.1', 'operator'],
    ['number=eq.one', 'an integer'],
    ['number=eq.9223372036854775808', 'an integer'],
    ['number=eq.1.5', 'an integer'],
    ['number=like.1*', ''],
    ['weight=eq.NaN', 'a number'],
    ['weight=eq.1e400', 'a number'],
    ['price=eq.Infinity', 'a decimal'],
    ['built=eq.yesterday', 'a date'],
    ['built=eq.2023-02-29', 'a date'],
    ['seen=eq.now', 'date-time'],
    ['owner=eq.1', 'a UUID'],
    ['sold=eq.yes', 'true or false'],
    ['sold=is.maybe', ''],
    ['tags=eq.[', 'JSON'],
    ['tags=cs.a', 'braces'],
    ['name=eq.%00', ''],
    ['%00=eq.1', ''],
    ['or=(number.eq.1', ''],
    ['or=()', ''],
    ['or=number.eq.1', ''],
    ['number=eq.1;drop table car', 'an integer'],
    ['or=(number.eq.1) or 1=1', ''],
    ['name=fts(klingon).a', 'english'],
    ['name=fts.a b', 'full-text'],
    ['name=match.(', 'regular expression'],
    ['select=name::uuid', 'cast'],
    ['select=number::uuid', 'cast'],
    ['select=number,number:name', ''],
    ['select=*,count()', ''],
    ['select=name.sum()', 'sum()'],
    ['order=nobody', '"nobody"'],
    ['order=tags', ''],
    ['order=number.up', ''],
    ['order=number;select 1', ''],
    ['limit=-1', ''],
    ['limit=many', ''],
    ['limit=1&limit=2', ''],
    ['offset=1.5', ''],
  ])('%s is refused', async (query, detail) => {
    const answer = await list(query);
    expect(refusal(answer)).toBe('400 request/invalid-query');
    expect(answer.body.detail.replace(',', '')).toContain(detail.replace(',', ''));
  });

  it('is data, never SQL', async () => {
    for (const text of [
      "' or '1'='1",
      "'; drop table car; --",
      '\\',
      "\\'",
      '$1',
      '%',
      '_',
      '*/',
      '{a}',
      '"',
      "x'::text",
      'null',
      'NULL',
      '(select 1)',
    ]) {
      expect(await numbers(`name=eq.${encodeURIComponent(text)}`)).toEqual([]);
      expect(await numbers(`name=in.("${encodeURIComponent(text.replaceAll(/["\\]/g, '\\$&'))}")`)).toEqual([]);
    }
  });
});

describe('a list', () => {
  it('shows what was selected, under its alias, and everything else with *', async () => {
    const { body } = await list('select=nr:number,name,tags&number=in.(3,6)&order=number');
    expect(body).toEqual([{ nr: 3, name: CARS[2]!.name, tags: ['a'] }, { nr: 6 }]);
    const whole = await list('number=eq.-7');
    expect(whole.body[0]).toMatchObject({ ...CARS[6], revision: 1 });
    expect(Object.keys((await list('select=*,nr:number&number=eq.5')).body[0])).toEqual([
      'id',
      'created_at',
      'updated_at',
      'created_by',
      'updated_by',
      'revision',
      'number',
      'name',
      'nr',
    ]);
  });

  it('gives absent members apart from null ones', async () => {
    expect((await list('select=name&number=in.(5,6)&order=number')).body).toEqual([{ name: null }, {}]);
  });

  it('is sorted as asked, nulls where asked, and by id among equals', async () => {
    const order = async (by: string) =>
      (await list(`select=number&order=${by}`)).body.map(({ number }: { number: number }) => number);
    expect(await order('number.desc')).toEqual([6, 5, 4, 3, 2, 1, -7]);
    expect((await order('price')).slice(0, 3)).toEqual([3, 2, 1]);
    expect((await order('price.desc.nullslast')).slice(0, 3)).toEqual([1, 2, 3]);
    expect((await order('sold.nullsfirst,number.desc')).slice(-2)).toEqual([2, 1]);
    expect(await order('revision')).toEqual(await order('id'));
  });

  it('comes in pages that miss none, by limit and offset or by Range, and counts when asked', async () => {
    const seen: number[] = [];
    for (let offset = 0; offset < 9; offset += 2) {
      const page = await list(`select=number&order=number&limit=2&offset=${offset}`);
      seen.push(...page.body.map(({ number }: { number: number }) => number));
      const last = Math.min(offset + 1, 6);
      expect(page.headers['content-range']).toBe(offset > 6 ? '*/*' : `${offset}-${last}/*`);
    }
    expect(seen).toEqual([-7, 1, 2, 3, 4, 5, 6]);
    const ranged = await list('select=number&order=number').set('range', '2-3').set('prefer', 'count=exact');
    expect([ranged.status, ranged.body, ranged.headers['content-range'], ranged.headers['preference-applied']]).toEqual([
      200,
      [{ number: 2 }, { number: 3 }],
      '2-3/7',
      'count=exact',
    ]);
    const none = await list('number=eq.99&limit=0').set('prefer', 'count=exact');
    expect([none.body, none.headers['content-range']]).toEqual([[], '*/0']);
    expect(refusal(await list('').set('range', '5-2'))).toBe('400 request/invalid-header');
  });

  it('is never longer than the service allows', async () => {
    const admin = await tenant.as();
    await tenant.define('many', { type: 'object' });
    await admin('post', '/records/many').send(Array.from({ length: 60 }, () => ({})));
    for (const query of ['', 'limit=1000', 'limit=999999999999'])
      expect((await call('get', `/records/many?${query}`)).body).toHaveLength(50);
  });

  it('of an entity that is not there is 404', async () => {
    for (const name of ['nothing', 'Car', 'car%00', 'car%20', '%22car%22', 'car;drop', '..', 'pg_class']) {
      expect(refusal(await call('get', `/records/${name}`))).toMatch(/^404 (entity|request)\/not-found$/);
    }
  });
});
