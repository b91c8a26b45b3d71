/** Ranges: what of them is refused, how they are stored and come back, and every question a filter can ask of them. */

import { PostgrestClient } from '@supabase/postgrest-js';
import { type Call, change, contents, document, planOf, store } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let client: PostgrestClient;

const range = (format: string, more: object = {}) => ({ type: 'string', format, ...more });

const BOOKING = document({
  number: { type: 'integer', unique: true },
  seats: range('int8range', { index: true }),
  price: range('numrange'),
  stay: range('daterange', { index: { method: 'brin' } }),
  shift: range('tsrange'),
  during: range('tstzrange'),
  note: { type: 'string' },
});

const BOOKINGS = [
  {
    number: 1,
    seats: '[1,5)',
    price: '[1.5,2.50)',
    stay: '[2024-02-28,2024-03-01)',
    shift: '[2024-01-01T09:00:00,2024-01-01T17:00:00)',
  },
  { number: 2, seats: '[5,10)', during: '[2024-05-31T12:00:00Z,2024-05-31T13:00:00Z)' },
  { number: 3, seats: '[3,7)', during: '[2024-05-31T12:30:00Z,)' },
  { number: 4, seats: 'empty', price: '(2,3]' },
  { number: 5, seats: '(,)' },
  { number: 6 },
  { number: 7, seats: '(,1)', stay: '(,2024-02-28)' },
  { number: 8, seats: '[10,)' },
];

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  admin = await tenant.as();
  await tenant.define('booking', BOOKING);
  await tenant.define('value', document(Object.fromEntries(Object.entries(BOOKING.properties).slice(1))));
  await store(admin, 'booking', BOOKINGS);
  const authorization = `Bearer ${await test.token(['viewer'], tenant.id)}`;
  client = new PostgrestClient(`${test.service.url}/rest/v1`, { headers: { authorization } });
}, 60_000);

afterAll(() => test.stop());

const query = (params: Record<string, string>): string => `?${new URLSearchParams(params)}`;

/** The numbers of the bookings that a query string finds, in its order. */
async function found(params: Record<string, string>): Promise<number[]> {
  const answer = await admin('get', `/records/booking${query({ order: 'number', ...params })}`);
  if (answer.status !== 200) throw new Error(`${JSON.stringify(params)}: ${answer.status} ${answer.text}`);
  return answer.body.map(({ number }: { number: number }) => number);
}

describe('a range is refused', () => {
  it.each([
    ['seats', '[5,4)', 'format'],
    ['seats', '[1, 5)', 'format'],
    ['seats', '[1.5,2)', 'format'],
    ['seats', '[1,9223372036854775808)', 'format'],
    ['seats', '[1,9223372036854775807]', 'fidelity'],
    ['seats', '(9223372036854775807,)', 'fidelity'],
    ['seats', '', 'format'],
    ['seats', '["1","5")', 'format'],
    ['price', '[NaN,)', 'format'],
    ['price', '[2.5,2.49]', 'format'],
    ['price', `[0,${'9'.repeat(1001)})`, 'fidelity'],
    ['stay', '[2023-02-29,)', 'format'],
    ['stay', '[2024-01-01,infinity)', 'format'],
    ['stay', '[2024-01-01,9999-12-31]', 'fidelity'],
    ['shift', '[2024-01-01T00:00:00Z,)', 'format'],
    ['shift', '[2024-01-01T00:00:00.1234567,)', 'fidelity'],
    ['during', '[2024-01-01T00:00:00Z,2024-01-01T00:30:00+01:00)', 'format'],
    ['during', '[2016-12-31T23:59:60Z,)', 'format'],
    ['during', '[0001-01-01T00:00:00+01:00,)', 'fidelity'],
  ])('as %s: %s', async (name, value, rule) => {
    const answer = await admin('post', '/records/value').send({ [name]: value });
    expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', [`/${name} ${rule}`]]);
  });

  it('with what it has to be', async () => {
    const answer = await admin('post', '/records/value').send({ seats: '[5,4)', stay: '[2024-01-01,9999-12-31]' });
    expect(answer.body.errors.map(({ message }: { message: string }) => message)).toEqual([
      'must be a valid int8range, such as [1,5), [1,), (,5) or empty, with a lower bound that is not above the upper',
      'is stored as [from,to), and no date follows 9999-12-31: leave that end open',
    ]);
  });

  it('as a definition: an index that has no use for it, and a choice that comes back otherwise', async () => {
    const wanted = document({
      a: range('int8range', { index: { method: 'gin' } }),
      b: range('int8range', { enum: ['[1,2]'] }),
      c: range('int8range', { precision: 3 }),
      d: range('int4range'),
    });
    const answer = await admin('put', '/entities/refused').send(wanted);
    expect([refusal(answer), faultsOf(answer).sort()]).toEqual([
      '422 entity/invalid-document',
      ['/properties/a/index index', '/properties/b/enum/0 enum', '/properties/c/precision precision'],
    ]);
    const unknown = await admin('put', '/entities/refused').send(document({ d: range('int4range') }));
    expect([refusal(unknown), faultsOf(unknown)]).toEqual(['422 entity/invalid-document', ['/properties/d/format format']]);
  });

  it.each([
    [{ seats: 'ov.5' }, 'must be a range of integers'],
    [{ seats: 'cs.x' }, 'must be a range of integers'],
    [{ seats: 'eq.[5,4)' }, 'must be a range of integers'],
    [{ seats: 'in.(1,5)' }, 'must be a range of integers'],
    [{ or: '(seats.ov.[5,4),number.eq.1)' }, 'must be a range of integers'],
    [{ during: 'ov.[2024-01-01,yesterday)' }, 'must be a range of RFC 3339 date-times'],
    [{ seats: 'like.*' }, 'like needs a text; "seats" is int8range.'],
    [{ number: 'sl.[1,5)' }, 'sl compares ranges; "number" is bigint.'],
    [{ number: 'ov.[1,5)' }, 'ov looks inside JSON objects, arrays and ranges; "number" is bigint.'],
    [{ select: 'seats.max()' }, 'there is no max() of "seats", which is int8range.'],
    [{ select: 'seats::date' }, 'There is no cast between two of the types in select.'],
  ])('in the query %j', async (params, detail) => {
    const answer = await admin('get', `/records/booking${query(params as Record<string, string>)}`);
    expect([refusal(answer), answer.body.detail]).toEqual(['400 request/invalid-query', expect.stringContaining(detail)]);
  });
});

describe('a range', () => {
  it.each([
    ['seats', '[1,5]', '[1,6)'],
    ['seats', '(1,2)', 'empty'],
    ['seats', '[,5]', '(,6)'],
    ['seats', '[-9223372036854775808,9223372036854775806]', '[-9223372036854775808,9223372036854775807)'],
    ['price', '[007.50,8]', '[7.50,8]'],
    ['price', '(1,1.0]', 'empty'],
    ['stay', '[2024-02-29,2024-02-29]', '[2024-02-29,2024-03-01)'],
    ['stay', '[0001-01-01,9999-12-30]', '[0001-01-01,9999-12-31)'],
    ['shift', '(2024-01-01t09:00:00.500,2024-01-01T17:00:00]', '(2024-01-01T09:00:00.5,2024-01-01T17:00:00]'],
    ['during', '[2024-01-01T00:30:00+01:00,2024-01-01T12:00:00.120-23:59)', '[2023-12-31T23:30:00Z,2024-01-02T11:59:00.12Z)'],
    ['during', '[2024-01-01T00:00:00Z,]', '[2024-01-01T00:00:00Z,)'],
    ['during', '[,]', '(,)'],
  ])('as %s: %s comes back as %s, and so again', async (name, sent, returned) => {
    const created = await admin('post', '/records/value')
      .send({ [name]: sent })
      .expect(201);
    expect(created.body[name]).toBe(returned);
    const path = `/records/value/${created.body.id}`;
    expect((await admin('get', path)).body[name]).toBe(returned);
    const replaced = await admin('put', path)
      .send({ [name]: returned })
      .expect(200);
    expect(replaced.body[name]).toBe(returned);
    const found = await admin('get', `/records/value${query({ [name]: `eq.${returned}`, id: `eq.${created.body.id}` })}`);
    expect(found.body).toHaveLength(1);
  });

  it('is a key, however it is written', async () => {
    await tenant.define('slot', document({ span: range('tstzrange', { unique: true }), by: { type: 'string' } }));
    const noon = '[2024-01-01T12:00:00Z,2024-01-01T13:00:00Z)';
    const same = '[2024-01-01T13:00:00+01:00,2024-01-01T14:00:00.0+01:00)';
    await admin('post', '/records/slot').send({ span: noon, by: 'a' }).expect(201);
    expect(refusal(await admin('post', '/records/slot').send({ span: same }))).toBe('409 record/duplicate');
    const merge = (body: unknown) =>
      admin('post', '/records/slot?on_conflict=span')
        .set('prefer', 'resolution=merge-duplicates,return=representation')
        .send(body as object);
    expect((await merge({ span: same, by: 'b' })).body).toMatchObject({ span: noon, by: 'b', revision: 2 });
    const twice = await merge([{ span: 'empty' }, { span: '[2024-01-01T12:00:00Z,2024-01-01T12:00:00Z)' }]);
    expect([refusal(twice), faultsOf(twice)]).toEqual(['400 record/key-repeated', ['/0/span unique', '/1/span unique']]);
    const put = await admin('put', `/records/slot${query({ span: `eq.${noon}` })}`).send({ span: same, by: 'c' });
    expect([put.status, put.body.by]).toEqual([200, 'c']);
  });

  it('may have a default, choices, null, and be declared inside of JSON', async () => {
    await tenant.define(
      'choice',
      document({
        span: { type: ['string', 'null'], format: 'int8range', default: '[1,5]' },
        one: range('daterange', { enum: ['[2024-01-01,2025-01-01)', 'empty'] }),
        many: { type: 'array', items: range('int8range') },
      }),
    );
    const created = await admin('post', '/records/choice').send({ one: 'empty', many: ['[1,9223372036854775807]'] });
    expect(created.body).toMatchObject({ span: '[1,6)', one: 'empty', many: ['[1,9223372036854775807]'] });
    expect((await admin('post', '/records/choice').send({ span: null })).body).toMatchObject({ span: null });
    const refused = await admin('post', '/records/choice').send({ one: '[2024-01-01,2024-12-31]', many: ['[2,1]'] });
    expect(faultsOf(refused).sort()).toEqual(['/many/0 format', '/one enum']);
  });

  it('can be referred to, and is the same inside of another record', async () => {
    await tenant.define('term', document({ span: range('tsrange', { unique: true }), name: { type: 'string' } }));
    const relation = { entity: 'term', field: 'span', inverse: 'lessons' };
    await tenant.define('lesson', document({ at: range('tsrange', { relation }), name: { type: 'string' } }));
    await admin('post', '/records/term').send({ span: '[2024-01-01T00:00:00,)', name: 'spring' }).expect(201);
    expect(refusal(await admin('post', '/records/lesson').send({ at: 'empty' }))).toBe('409 record/reference-missing');
    await admin('post', '/records/lesson').send({ at: '[2024-01-01T00:00:00.0,]', name: 'one' }).expect(201);
    const span = '[2024-01-01T00:00:00,)';
    const lessons = await admin('get', `/records/lesson${query({ select: 'name,at,term(span)', 'term.span': 'cs.2025-01-01' })}`);
    expect(lessons.body).toEqual([{ name: 'one', at: span, term: { span } }]);
    const terms = await admin('get', `/records/term${query({ select: 'name,lessons(at)', order: 'span' })}`);
    expect(terms.body).toEqual([{ name: 'spring', lessons: [{ at: span }] }]);
  });

  it('goes through an export and an import unchanged', async () => {
    for (const [format, type] of [
      ['csv', 'text/csv'],
      ['ndjson', 'application/x-ndjson'],
    ] as const) {
      const entity = `copy-${format}`;
      await tenant.define(entity, BOOKING);
      const exported = await admin('get', `/exports/booking?select=number,seats,price,stay,shift,during&format=${format}`)
        .buffer(true)
        .parse((response, done) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('end', () => done(null, Buffer.concat(chunks).toString()));
        });
      if (format === 'csv') expect(exported.body).toContain('\n1,"[1,5)","[1.5,2.50)",');
      const imported = await admin('post', `/imports/${entity}`).set('content-type', type).send(exported.body);
      expect([imported.status, imported.body.stored]).toEqual([200, BOOKINGS.length]);
      expect(await contents(admin, entity)).toEqual(await contents(admin, 'booking'));
    }
  });

  it('is told in the OpenAPI document as a string of its format, with the operators it has', async () => {
    const { body } = await admin('get', '/openapi.json');
    const parameters = body.paths['/records/booking'].get.parameters;
    expect(parameters).toContainEqual({ name: 'during', in: 'query', schema: { $ref: '#/components/schemas/filter.range' } });
    expect(JSON.stringify(body.components.schemas)).toContain('"during":{"type":"string","format":"tstzrange"}');
  });
});

describe('a filter on ranges', () => {
  it.each<[string, number[]]>([
    ['eq.[1,4]', [1]],
    ['eq.empty', [4]],
    ['neq.[1,5)', [2, 3, 4, 5, 7, 8]],
    ['lt.[3,7)', [1, 4, 5, 7]],
    ['lte.[3,7)', [1, 3, 4, 5, 7]],
    ['gt.[3,7)', [2, 8]],
    ['gte.[3,7)', [2, 3, 8]],
    ['is.null', [6]],
    ['not.is.null', [1, 2, 3, 4, 5, 7, 8]],
    ['isdistinct.[1,5)', [2, 3, 4, 5, 6, 7, 8]],
    ['in.([1,5),empty)', [1, 4]],
    ['in.("[1,5)","(,0]")', [1, 7]],
    ['eq(any).{[1,5),"[5,9]"}', [1, 2]],
    ['gt(all).{[1,5),[3,7)}', [2, 8]],
    ['cs.[3,5)', [1, 3, 5]],
    ['cs.4', [1, 3, 5]],
    ['cs.9223372036854775807', [5, 8]],
    ['cs.empty', [1, 2, 3, 4, 5, 7, 8]],
    ['cd.[1,7)', [1, 3, 4]],
    ['ov.[5,7)', [2, 3, 5]],
    ['not.ov.[5,7)', [1, 4, 7, 8]],
    ['sl.[5,7)', [1, 7]],
    ['sr.[3,5)', [2, 8]],
    ['nxl.[5,7)', [2, 8]],
    ['nxr.[5,7)', [1, 3, 7]],
    ['adj.[5,7)', [1]],
    ['adj.[10,12)', [2]],
    ['adj.(0,4]', [2, 7]],
  ])('seats=%s', async (term, numbers) => {
    expect(await found({ seats: term })).toEqual(numbers);
  });

  it.each<[Record<string, string>, number[]]>([
    [{ price: 'cs.2.4999' }, [1, 4]],
    [{ price: 'cs.2.5' }, [4]],
    [{ price: 'ov.[2.50,3)' }, [4]],
    [{ stay: 'cs.2024-02-29' }, [1]],
    [{ stay: 'adj.(,2024-02-27]' }, [1]],
    [{ stay: 'ov.[2024-02-29,9999-12-31]' }, [1]],
    [{ shift: 'cs.2024-01-01 12:00' }, [1]],
    [{ shift: 'cd.[2024-01-01,2024-01-02)' }, [1]],
    [{ during: 'cs.2024-05-31T14:45:00+02:00' }, [2, 3]],
    [{ during: 'nxr.["2024-05-31 12:00:00+00:00","2024-05-31 13:00:00Z")' }, [2]],
    [{ during: 'nxr.[2024-05-31T12:00:00Z,2024-05-31T13:00:00Z)' }, [2]],
    [{ or: '(seats.adj.[5,7),during.cs.2024-06-01T00:00:00Z,and(seats.cs.11,seats.not.cs.1))' }, [1, 3, 8]],
  ])('%j', async (params, numbers) => {
    expect(await found(params)).toEqual(numbers);
  });

  it('sorts, pages and groups them', async () => {
    expect(await found({ order: 'seats' })).toEqual([4, 7, 5, 1, 3, 2, 8, 6]);
    expect(await found({ order: 'seats.desc.nullslast' })).toEqual([8, 2, 3, 1, 5, 7, 4, 6]);
    for (const order of ['seats', 'seats.desc', 'during.nullsfirst,seats', 'price.desc,stay']) {
      const pages: number[] = [];
      let path: string | undefined = `/api/v1/tenants/${tenant.id}/records/booking${query({ order, limit: '3' })}`;
      while (path !== undefined) {
        const answer = await test.request(await test.token(['viewer'], tenant.id), 'get', path);
        pages.push(...answer.body.map(({ number }: { number: number }) => number));
        path = /<([^>]*)>; rel="next"/.exec(answer.headers.link ?? '')?.[1];
      }
      expect([order, pages]).toEqual([order, await found({ order })]);
    }
    const grouped = await admin('get', `/records/booking${query({ select: 'during,count()', order: 'during' })}`);
    expect(grouped.body).toEqual([
      { during: '[2024-05-31T12:00:00Z,2024-05-31T13:00:00Z)', count: 1 },
      { during: '[2024-05-31T12:30:00Z,)', count: 1 },
      { during: null, count: 6 },
    ]);
  });

  it('says which records to change', async () => {
    const changed = await admin('patch', `/records/booking${query({ seats: 'cs.11' })}`).send({ note: 'far' });
    expect([changed.status, await found({ note: 'eq.far' })]).toEqual([changed.status, [5, 8]]);
  });
});

describe('postgrest-js', () => {
  type Bookings = ReturnType<ReturnType<PostgrestClient['from']>['select']>;
  const numbers = async (filter: (bookings: Bookings) => PromiseLike<{ data: unknown; error: unknown }>) => {
    const { data, error } = await filter(client.from('booking').select('number').order('number') as unknown as Bookings);
    if (error) throw new Error(JSON.stringify(error));
    return (data as { number: number }[]).map(({ number }) => number);
  };

  it('is told what is no range', async () => {
    const { error, status } = await client.from('booking').select().rangeGt('seats', '[5,1)');
    expect([status, error?.code]).toEqual([400, 'PGRST100']);
  });

  it.each<[string, (bookings: Bookings) => Bookings, number[]]>([
    ['rangeLt', (bookings) => bookings.rangeLt('seats', '[5,7)'), [1, 7]],
    ['rangeGt', (bookings) => bookings.rangeGt('seats', '[3,5)'), [2, 8]],
    ['rangeGte', (bookings) => bookings.rangeGte('seats', '[5,7)'), [2, 8]],
    ['rangeLte', (bookings) => bookings.rangeLte('seats', '[5,7)'), [1, 3, 7]],
    ['rangeAdjacent', (bookings) => bookings.rangeAdjacent('seats', '[5,7)'), [1]],
    ['overlaps', (bookings) => bookings.overlaps('seats', '[5,7)'), [2, 3, 5]],
    ['contains', (bookings) => bookings.contains('seats', '[3,5)'), [1, 3, 5]],
    ['containedBy', (bookings) => bookings.containedBy('seats', '[1,7)'), [1, 3, 4]],
    ['in', (bookings) => bookings.in('seats', ['[1,5)', 'empty']), [1, 4]],
    ['not', (bookings) => bookings.not('seats', 'ov', '[5,7)'), [1, 4, 7, 8]],
    ['or', (bookings) => bookings.or('seats.adj.[5,7),seats.cs."[11,12)"'), [1, 5, 8]],
    ['with its own spelling', (bookings) => bookings.overlaps('during', '[2024-05-31 12:00, 2024-05-31 12:15)'), [2]],
  ])('%s', async (_, filter, expected) => {
    expect(await numbers(filter)).toEqual(expected);
  });
});

describe('a change of type', () => {
  it('makes ranges of texts that the API would return for them, and texts of ranges', async () => {
    const spans = ['[2024-05-31T12:00:00Z,2024-05-31T13:00:00Z)', '(,)', 'empty'];
    const [text, ranged] = [document({ span: { type: 'string' } }), document({ span: range('tstzrange') })];
    await tenant.define('span', text);
    await store(
      admin,
      'span',
      [...spans, '[2024-05-31T14:00:00+02:00,)'].map((span) => ({ span })),
    );
    const plan = await planOf(admin, 'span', ranged);
    expect(JSON.stringify(plan)).toContain('would not say the same as tstzrange');
    const last = await admin('get', `/records/span${query({ span: 'like.*+02:00*' })}`);
    await admin('delete', `/records/span/${last.body[0].id}`).expect(204);
    await change(admin, 'span', ranged, ['restrictive']);
    expect(await contents(admin, 'span')).toEqual(spans.map((span) => ({ span })));
    expect((await admin('get', `/records/span${query({ span: 'cs.2024-05-31T12:59:00Z' })}`)).body).toHaveLength(2);
    await change(admin, 'span', text, ['restrictive']);
    expect(await contents(admin, 'span')).toEqual(spans.map((span) => ({ span })));
  });

  it('adopts what was undeclared', async () => {
    await tenant.define('free', { type: 'object' });
    await store(admin, 'free', [{ span: '[1,6)' }, { span: null }, {}]);
    await change(admin, 'free', { type: 'object', properties: { span: { ...range('int8range'), type: ['string', 'null'] } } });
    expect(await contents(admin, 'free')).toEqual([{ span: '[1,6)' }, { span: null }, {}]);
    expect((await admin('get', `/records/free${query({ span: 'cs.5' })}`)).body).toHaveLength(1);
  });
});
