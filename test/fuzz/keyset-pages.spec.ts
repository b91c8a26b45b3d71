/** Pages behind cursors over random records in random orders: together they are the list, whatever else goes on beside. */

import fc from 'fast-check';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let token: string;

const PLACE = { type: 'object', properties: { name: { type: 'string' }, rank: { type: 'integer' } } };
const THING = {
  type: 'object',
  required: ['kind', 'level'],
  properties: {
    kind: { type: 'string' },
    level: { type: 'integer', index: true },
    label: { type: 'string', index: true },
    price: { type: 'string', format: 'decimal', precision: 12, scale: 3 },
    weight: { type: 'number' },
    day: { type: 'string', format: 'date' },
    seen: { type: 'string', format: 'date-time' },
    opens: { type: 'string', format: 'time' },
    open: { type: 'boolean' },
    address: { type: 'string', format: 'ipv4' },
    owner: { type: 'string', format: 'uuid' },
    photo: { type: 'string', format: 'byte' },
    span: { type: 'string', format: 'int8range', index: true },
    during: { type: 'string', format: 'tstzrange' },
    data: { type: 'object' },
    place: { type: 'string', format: 'uuid', relation: { entity: 'place' } },
  },
};

/** Few values of each, so that many records are equal in them; texts that collations treat each in their own way. */
const VALUES: Readonly<Record<string, readonly unknown[]>> = {
  label: ['a', 'A', 'ä', 'a b', 'a-b', '', ' ', 'z', 'Z', '10', '9', '😀', "o'", '\\', '"'],
  price: ['0', '-1.5', '1.50', '1.5', '999999999.999'],
  weight: [0, -0.5, 0.1, 1e300, 5e-324, 123456789.123],
  day: ['0001-01-01', '2024-02-29', '9999-12-31'],
  seen: ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000001Z', '2024-01-01T02:00:00+02:00'],
  opens: ['00:00:00Z', '09:30:00.5Z', '23:59:59Z'],
  open: [true, false],
  address: ['10.0.0.1', '9.0.0.1', '255.255.255.255'],
  owner: ['0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', 'ffffffff-ffff-4fff-8fff-ffffffffffff'],
  photo: ['', '+/8=', 'AAAA'],
  span: ['empty', '(,)', '(,5)', '[1,5)', '[1,6)', '[5,)', '[5,6)'],
  during: ['[2024-01-01T00:00:00Z,2024-01-01T00:00:00.5Z]', '(2024-01-01T00:00:00Z,)', '[2024-01-01T02:00:00+02:00,)', 'empty'],
  data: [{}, { a: null }, { a: 1 }, { a: '1' }, { a: [1] }, { a: { b: 1 }, b: 'x' }, { b: 'y' }, { a: true, b: '' }],
};

const record = fc.record(
  {
    kind: fc.constantFrom('x', 'y', 'Ä', ''),
    level: fc.integer({ min: 0, max: 4 }),
    ...Object.fromEntries(Object.entries(VALUES).map(([name, values]) => [name, fc.constantFrom(...values)])),
    place: fc.nat(3),
  },
  { requiredKeys: ['kind', 'level'] },
);

const sortable = fc.constantFrom(
  ...['id', 'created_at', 'revision', 'created_by', ...Object.keys(THING.properties).filter((name) => name !== 'data')],
  ...['data->a', 'data->>a', 'data->b', 'data->>b', 'data->a->b', 'place(name)', 'place(rank)', 'place(id)'],
);
const term = fc
  .tuple(sortable, fc.constantFrom('', '.asc', '.desc'), fc.constantFrom('', '.nullsfirst', '.nullslast'))
  .map((parts) => parts.join(''));
const list = fc.record({
  order: fc.array(term, { minLength: 1, maxLength: 4 }),
  filter: fc.constantFrom(
    '',
    'level=gt.1',
    'or=(label.is.null,price.gt.0)',
    'place=not.is.null',
    'open=is.true',
    'data->>b=not.is.null',
  ),
  limit: fc.integer({ min: 3, max: 40 }),
});

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
  await tenant.define('place', PLACE);
  await tenant.define('thing', THING);
});

afterAll(() => test.stop());

async function send(method: string, path: string, body?: unknown): Promise<{ headers: Headers; body: unknown }> {
  const url = path.startsWith('/api') ? path : `/api/v1/tenants/${tenant.id}${path}`;
  const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) };
  const answer = await fetch(test.service.url + url, {
    method,
    headers,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (answer.status >= 300) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
  return { headers: answer.headers, body: text === '' ? null : JSON.parse(text) };
}

async function insert(entity: string, records: readonly unknown[]): Promise<string[]> {
  const { body } = await send('POST', `/records/${entity}`, records);
  return (body as { id: string }[]).map(({ id }) => id);
}

const query = ({ order, filter }: { order: readonly string[]; filter: string }): string =>
  `/records/thing?select=id,place(name,rank)&${filter}&order=${encodeURIComponent(order.join(','))}`;

/** The ids of each page, by its next links. */
async function* pages(path: string): AsyncGenerator<readonly string[]> {
  for (let next: string | undefined = path; next !== undefined; ) {
    const { headers, body } = await send('GET', next);
    yield (body as { id: string }[]).map(({ id }) => id);
    next = /<([^>]*)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];
  }
}

async function walked(path: string): Promise<string[]> {
  const ids: string[] = [];
  for await (const page of pages(path)) ids.push(...page);
  return ids;
}

describe('pages behind cursors', () => {
  it('are the list, whatever is in it and however it is sorted', async () => {
    const places = [...(await insert('place', [{ name: 'a', rank: 1 }, { name: 'a' }, { rank: 2 }])), undefined];
    await fc.assert(
      fc.asyncProperty(
        fc.array(record, { minLength: 60, maxLength: 120 }),
        fc.array(list, { minLength: 6, maxLength: 6 }),
        async (records, lists) => {
          const ids = await insert(
            'thing',
            records.map(({ place, ...rest }) => ({ ...rest, ...(places[place ?? 3] && { place: places[place ?? 3] }) })),
          );
          for (const one of lists) {
            const whole = await send('GET', query(one));
            expect([query(one), await walked(`${query(one)}&limit=${one.limit}`)]).toEqual([
              query(one),
              (whole.body as { id: string }[]).map(({ id }) => id),
            ]);
          }
          await test.database.admin(`delete from "${tenant.schemaName}"."thing" where id = any('{${ids.join(',')}}')`);
        },
      ),
      { numRuns: 12 },
    );
  }, 120_000);

  it('have every record that nobody touches, once and in its place, while others insert, change and delete', async () => {
    const some = (values: readonly unknown[], index: number) => values[index % values.length];
    const thing = (index: number) => ({
      kind: some(['x', 'y', ''], index),
      level: index % 5,
      ...(index % 3 > 0 && { label: some(VALUES.label!, index), price: some(VALUES.price!, index) }),
      ...(index % 4 > 0 && { data: some(VALUES.data!, index) }),
    });
    const all = await insert(
      'thing',
      Array.from({ length: 400 }, (_, index) => thing(index)),
    );
    const stable = new Set(all.filter((_, index) => index % 2 === 0));
    const restless = all.filter((id) => !stable.has(id));
    let writing = true;
    let writes = 0;
    const writer = async (seed: number): Promise<void> => {
      for (let index = seed; writing; index += 3) {
        const id = restless[index % restless.length] as string;
        const [label] = [some(VALUES.label!, index)];
        if (index % 3 === 0) await send('PATCH', `/records/thing/${id}`, { label, level: index % 5 }).catch(() => undefined);
        else if (index % 3 === 1) restless.push(...(await insert('thing', [thing(index)])));
        else if (restless.length > 50) {
          restless.splice(index % restless.length, 1);
          await send('DELETE', `/records/thing/${id}`).catch(() => undefined);
        }
        writes++;
      }
    };
    const writers = [0, 1, 2].map(writer);
    try {
      for (const order of [
        'level',
        'label',
        'label.desc,level',
        'price.nullsfirst,label',
        'data->>b,level.desc',
        'kind,level.desc',
      ]) {
        const one = { order: order.split(','), filter: '' };
        const expected = ((await send('GET', query(one))).body as { id: string }[]).map(({ id }) => id);
        const before = writes;
        const ids = await walked(`${query(one)}&limit=7`);
        expect([order, ids.filter((id) => stable.has(id))]).toEqual([order, expected.filter((id) => stable.has(id))]);
        expect([order, stable.size]).toEqual([order, ids.filter((id) => stable.has(id)).length]);
        expect(writes).toBeGreaterThan(before);
      }
    } finally {
      writing = false;
      await Promise.all(writers);
    }
  }, 60_000);
});
