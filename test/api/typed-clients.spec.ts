/** The TypeScript source of a tenant's entities, as it is served, in the hands of supabase-js: what compiles is what is there. */

import { PostgrestClient } from '@supabase/postgrest-js';
import { readChinook } from '../../src/demo/load-chinook.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import { bss } from '../harness/child-service.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { SAME, typeFaults } from '../harness/type-checker.js';

jest.setTimeout(120_000);

let test: TestService;
let tenant: TestTenant;
let source: string;

const entity = (properties: JsonObject, more: JsonObject = {}): JsonObject => ({
  type: 'object',
  additionalProperties: false,
  properties,
  ...more,
});

const CUSTOMER = entity({ name: { type: 'string' }, tier: { enum: ['gold', 'plain'], type: 'string' } }, { required: ['name'] });

const ORDER = entity(
  {
    customer: { type: 'string', format: 'uuid', relation: { entity: 'customer', inverse: 'orders' } },
    billing: { type: 'string', format: 'uuid', unique: true, relation: { entity: 'address', inverse: 'billed' } },
    total: { type: 'string', format: 'decimal', precision: 10, scale: 2 },
    status: { type: 'string', enum: ['open', 'done'], default: 'open' },
    placed: { type: 'string', format: 'date-time', generated: 'now' },
    origin: { type: 'string', immutable: true },
    pin: { type: 'string', writeOnly: true },
    lines: { type: 'array', items: { $ref: '#/$defs/line' } },
    'gift-note': { type: 'string' },
  },
  {
    required: ['customer', 'total', 'status'],
    $defs: {
      line: {
        type: 'object',
        required: ['sku'],
        properties: { sku: { type: 'string' }, parts: { type: 'array', items: { $ref: '#/$defs/line' } } },
      },
    },
  },
);

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('typed');
  await tenant.define('customer', CUSTOMER);
  await tenant.define('label', entity({ text: { type: 'string' } }));
  await tenant.define('address', entity({ city: { type: 'string' } }));
  await tenant.define('order', ORDER);
  source = (await (await tenant.as('viewer'))('get', '/types.ts').expect(200)).text;
});

afterAll(() => test.stop());

const CLIENT = `
import { createClient } from '@supabase/supabase-js';
import { PostgrestClient } from '@supabase/postgrest-js';
import type { Database, Definitions, Tables, TablesInsert, TablesUpdate } from './database';
import type { Same } from './same';
const store = createClient<Database>('http://store.test', 'key');
`;

/** The faults of statements that follow the imports, inside an async function. */
function faultsOf(statements: string, database = source): readonly string[] {
  const client = `${CLIENT}export async function use() {\n${statements}\n}\n`;
  return typeFaults({ 'database.ts': database, 'same.ts': SAME, 'client.ts': client });
}

describe('types.ts is refused', () => {
  it('to strangers and to other tenants', async () => {
    const path = `/api/v1/tenants/${tenant.id}/types.ts`;
    const other = await test.tenant();
    expect(refusal(await test.request(null, 'get', path))).toBe('401 auth/missing-credentials');
    expect(refusal(await test.request(await test.token(['admin'], other.id), 'get', path))).toBe('403 auth/tenant-mismatch');
  });
});

describe('types.ts', () => {
  it('is TypeScript, the same for every role, and every time', async () => {
    for (const role of ['viewer', 'auditor', 'editor', 'service', 'admin'] as const) {
      const { headers, text } = await (await tenant.as(role))('get', '/types.ts').expect(200);
      expect([headers['content-type'], text]).toEqual(['text/typescript; charset=utf-8', source]);
    }
  });

  it('compiles for a tenant without entities, and tells of nobody else’s', async () => {
    const other = await test.tenant();
    const { text } = await (await other.as())('get', '/types.ts').expect(200);
    expect(text).not.toContain('customer');
    expect(typeFaults({ 'database.ts': text })).toEqual([]);
    expect(
      faultsOf(`// @ts-expect-error: no such entity\nstore.from('customer');`, text.concat('export type Definitions = 0;')),
    ).toEqual([]);
  });

  it('is printed by bss types', async () => {
    const where = ['--url', test.service.url];
    const printed = await bss(['types', ...where, '--token', await test.token(['viewer'], tenant.id)]);
    expect([printed.code, printed.stderr, printed.stdout]).toEqual([0, '', source]);
    const refused = await bss(['types', ...where, '--token', await test.token(['system_admin'])]);
    expect([refused.code, refused.stdout]).toEqual([1, '']);
    expect(refused.stderr).toContain('the token belongs to no tenant');
  });

  it('has a type for every record of the example', async () => {
    const shop = await test.tenant();
    const chinook = await readChinook();
    for (const { name, document } of chinook) await shop.define(name, document);
    const { text } = await (await shop.as())('get', '/types.ts').expect(200);
    const system = { id: '', created_at: '', updated_at: '', created_by: '', updated_by: '', revision: 1 };
    const values = chinook.map(({ name, document, records: [record] }) => {
      const absent = Object.fromEntries(Object.keys(document.properties as JsonObject).map((property) => [property, null]));
      const row = JSON.stringify({ ...absent, ...record, ...system });
      return `export const ${name}: [Tables<'${name}'>, TablesInsert<'${name}'>] = [${row}, ${JSON.stringify(record)}];`;
    });
    const imports = `import type { Tables, TablesInsert } from './database';\n`;
    expect(typeFaults({ 'database.ts': text, 'values.ts': imports + values.join('\n') })).toEqual([]);
  });
});

describe('a client of supabase-js', () => {
  it('is answered what its types say', async () => {
    const call = await tenant.as();
    const insert = async (name: string, body: object) => (await call('post', `/records/${name}`).send(body).expect(201)).body.id;
    const customer = await insert('customer', { name: 'Ada' });
    const billing = await insert('address', {});
    await insert('order', { customer, total: '10.50', status: 'open', pin: '1' });
    await insert('order', { customer, billing, total: '1.00', status: 'done', lines: [{ sku: 'a', parts: [{ sku: 'b' }] }] });
    const headers = { authorization: `Bearer ${await test.token(['viewer'], tenant.id)}` };
    const rest = new PostgrestClient(`${test.service.url}/rest/v1`, { headers });
    const whole = await rest.from('order').select();
    const embedded = await rest.from('order').select('total,to:customer!"order.customer.fkey"(name,tier),billing(city)');
    const inverse = await rest.from('customer').select('orders(total),order(status)');
    expect([whole.data, embedded.data, inverse.data]).toEqual([expect.any(Array), expect.any(Array), expect.any(Array)]);
    expect(
      faultsOf(`
        const orders = store.from('order').select('total, to:customer!"order.customer.fkey"(name, tier), billing(city)').throwOnError();
        const customers = store.from('customer').select('orders(total), order(status)').throwOnError();
        const whole: Tables<'order'>[] = ${JSON.stringify(whole.data)};
        const embedded: Awaited<typeof orders>['data'] = ${JSON.stringify(embedded.data)};
        const inverse: Awaited<typeof customers>['data'] = ${JSON.stringify(inverse.data)};
        return [whole, embedded, inverse];`),
    ).toEqual([]);
  });

  it('knows the members of a record and of what is embedded', () => {
    expect(
      faultsOf(`
        const { data } = await store.from('order').select('id, total, status, "gift-note", customer(name, tier)').single();
        if (!data) return;
        const id: Same<typeof data.id, string> = true;
        const total: Same<typeof data.total, string> = true;
        const status: Same<typeof data.status, 'open' | 'done'> = true;
        const customer: Same<typeof data.customer, { name: string; tier: 'gold' | 'plain' | null }> = true;
        const whole = (await store.from('order').select()).data;
        const all: Same<typeof whole, Tables<'order'>[] | null> = true;
        const rows = (await new PostgrestClient<Database>('http://store.test').from('order').select('revision, lines')).data;
        const bare: Same<typeof rows, { revision: number; lines: Definitions['order#/$defs/line'][] | null }[] | null> = true;
        return { id, total, status, customer, all, bare };`),
    ).toEqual([]);
  });

  it('knows the way back from a relation, by the entity, by its inverse, and where there is one at most', () => {
    expect(
      faultsOf(`
        const customers = (await store.from('customer').select('name, order(total), orders(id, revision)').single()).data!;
        const byEntity: Same<typeof customers.order, { total: string }[]> = true;
        const byInverse: Same<typeof customers.orders, { id: string; revision: number }[]> = true;
        const address = (await store.from('address').select('city, order(total), billed(total)').single()).data!;
        const one: Same<typeof address.order, { total: string } | null> = true;
        const inverse: Same<typeof address.billed, { total: string } | null> = true;
        const order = (await store.from('order').select('billing(city), to:customer!"order.customer.fkey"(name)').single()).data!;
        const optional: Same<typeof order.billing, { city: string | null } | null> = true;
        const hinted: Same<typeof order.to, { name: string }> = true;
        return { byEntity, byInverse, one, inverse, optional, hinted };`),
    ).toEqual([]);
  });

  it('is told of members, entities and relations that do not exist', () => {
    expect(
      faultsOf(`
        const { data } = await store.from('order').select('id, totl').single();
        data!.id;`),
    ).toEqual([expect.stringContaining("column 'totl' does not exist on 'order'")]);
    expect(
      faultsOf(`
        const { data } = await store.from('customer').select('name, label(text)').single();
        data!.label.text;`),
    ).toEqual([expect.stringContaining('could not find the relation between customer and label')]);
    expect(
      faultsOf(`
        // @ts-expect-error: no such entity
        await store.from('orders').select();
        // @ts-expect-error: no such member
        await store.from('order').select().eq('totl', '1');
        // @ts-expect-error: no such value
        await store.from('order').select().eq('status', 'lost');
        // @ts-expect-error: pin is never read
        (await store.from('order').select().single()).data!.pin;`),
    ).toEqual([]);
  });

  it('may send what the service takes, and nothing else', () => {
    expect(
      faultsOf(`
        const order = { customer: '', total: '1.00' } satisfies TablesInsert<'order'>;
        await store.from('order').insert({ ...order, id: '', pin: '1', origin: 'web', lines: [{ sku: 'a', parts: [{ sku: 'b' }] }] });
        await store.from('order').insert([order, { ...order, status: 'done' }]);
        await store.from('order').update({ total: '2.00', 'gift-note': null, lines: null }).eq('id', '');
        const patch: Same<keyof TablesUpdate<'customer'>, 'name' | 'tier'> = true;
        // @ts-expect-error: total is missing
        await store.from('order').insert({ customer: '' });
        // @ts-expect-error: decimals are strings
        await store.from('order').insert({ ...order, total: 1 });
        // @ts-expect-error: set by the store
        await store.from('order').insert({ ...order, placed: '' });
        // @ts-expect-error: set by the store
        await store.from('order').insert({ ...order, revision: 1 });
        // @ts-expect-error: not declared
        await store.from('order').insert({ ...order, colour: 'red' });
        // @ts-expect-error: a line has a sku
        await store.from('order').insert({ ...order, lines: [{}] });
        // @ts-expect-error: set once
        await store.from('order').update({ origin: 'shop' });
        // @ts-expect-error: an id stays
        await store.from('order').update({ id: '' });
        // @ts-expect-error: required
        await store.from('order').update({ total: null });
        return patch;`),
    ).toEqual([]);
  });
});
