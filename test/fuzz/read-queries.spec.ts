/** Queries that mean something, or nearly: each is answered with what it asks for or with what is wrong with it, never with a fault. */

import fc from 'fast-check';
import { problemType } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { readQuery } from './query-arbitrary.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

const BOOK = {
  type: 'object',
  properties: {
    number: { type: 'integer', unique: true },
    title: { type: 'string', index: true },
    price: { type: 'string', format: 'decimal', precision: 8, scale: 2 },
    weight: { type: 'number' },
    sold: { type: 'boolean' },
    built: { type: 'string', format: 'date' },
    seen: { type: 'string', format: 'date-time' },
    opens: { type: 'string', format: 'time' },
    stamp: { type: 'string', format: 'date-time-local' },
    source: { type: 'string', format: 'ipv4' },
    photo: { type: 'string', format: 'byte' },
    span: { type: 'string', format: 'int8range' },
    cost: { type: 'string', format: 'numrange' },
    stay: { type: 'string', format: 'daterange', index: true },
    shift: { type: 'string', format: 'tsrange' },
    during: { type: 'string', format: 'tstzrange' },
    owner: { type: ['string', 'null'], format: 'uuid' },
    tags: { type: 'array', items: { type: 'string' } },
    data: {},
    author: { type: 'string', relation: { entity: 'author', field: 'name', inverse: 'books' } },
    sequel: { type: 'integer', relation: { entity: 'book', field: 'number', inverse: 'prequels' } },
  },
};

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('author', {
    type: 'object',
    properties: { name: { type: 'string', unique: true }, born: { type: 'integer' } },
  });
  await tenant.define('book', BOOK);
  await tenant.define('label', { type: 'object', properties: { word: { type: 'string', unique: true } } });
  await tenant.define('tagging', {
    type: 'object',
    properties: {
      book: { type: 'integer', relation: { entity: 'book', field: 'number' } },
      label: { type: 'string', relation: { entity: 'label', field: 'word' } },
    },
    uniqueKeys: [['book', 'label']],
  });
  call = await tenant.as();
  await call('post', '/records/author')
    .send([{ name: 'Ada', born: 1815 }, { name: 'Bob' }])
    .expect(201);
  await call('post', '/records/label')
    .send([{ word: 'red' }, { word: 'a,b' }])
    .expect(201);
  await call('post', '/records/book')
    .send([
      ...[
        {
          number: 1,
          title: 'x',
          price: '1.50',
          weight: 0.5,
          sold: true,
          built: '2024-01-01',
          seen: '2024-01-01T00:00:00Z',
          author: 'Ada',
          span: '[1,5)',
          stay: '[2024-01-01,)',
          during: '[2024-01-01T00:00:00Z,2024-02-01T00:00:00Z)',
        },
      ],
      ...[
        {
          number: 2,
          title: 'a "quoted", (one)',
          opens: '09:30:00Z',
          stamp: '2024-01-01T09:30:00',
          source: '10.0.0.1',
          photo: '+/8=',
          sequel: 1,
          span: 'empty',
          cost: '(1.5,2.50]',
          shift: '[2024-01-01T09:30:00,2024-01-01T10:00:00]',
        },
      ],
      ...[
        {
          number: 3,
          owner: null,
          tags: ['a', 'b'],
          data: { a: { b: [1, 'x', null] }, 'x y': 7 },
          author: 'Ada',
          sequel: 2,
          more: 'kept',
        },
      ],
      ...[
        { number: 4, data: [1, { b: 'c' }] },
        { number: 5, data: 'text', tags: [] },
      ],
    ])
    .expect(201);
  await call('post', '/records/tagging')
    .send([
      { book: 1, label: 'red' },
      { book: 3, label: 'red' },
      { book: 3, label: 'a,b' },
    ])
    .expect(201);
}, 60_000);

afterAll(() => test.stop());

it('is answered, or refused with the place and the reason', async () => {
  const statuses = new Map<number, number>();
  const property = fc.asyncProperty(
    readQuery,
    fc.constantFrom('', 'count=exact', 'count=planned', 'count=estimated'),
    async (pairs, prefer) => {
      const answer = await call('get', `/records/book?${new URLSearchParams(pairs as [string, string][])}`).set('prefer', prefer);
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      if (answer.status >= 500) throw new Error(`${answer.status} ${answer.text}`);
      if (answer.status >= 300) problemType(String(answer.headers['content-type']), answer.text);
      else expect(Array.isArray(JSON.parse(answer.text))).toBe(true);
    },
  );
  await fc.assert(property, { numRuns: Number(process.env.FUZZ_RUNS ?? 1_500), interruptAfterTimeLimit: 40_000 });
  // Both halves of the promise are met.
  expect([statuses.get(200), statuses.get(400)].map((count = 0) => count > 50)).toEqual([true, true]);
}, 120_000);
