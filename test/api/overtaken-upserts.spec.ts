/** Upserts of records that somebody else inserts after it was looked for them: all is merged and told as if they had come first. */

import { randomUUID } from 'node:crypto';
import { withClient } from '../harness/database.js';
import { eventually } from '../harness/eventually.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as('editor');
  await tenant.define('product', {
    type: 'object',
    additionalProperties: false,
    properties: { sku: { type: 'string', unique: true }, name: { type: 'string' }, origin: { type: 'string', immutable: true } },
  });
});

afterAll(() => test.stop());

let serial = 0;
const sku = () => `sku-${++serial}`;
const upsert = (body: object, query = '?on_conflict=sku') =>
  call('post', `/records/product${query}`).set('prefer', 'resolution=merge-duplicates').send(body);
const found = async (code: string) => (await call('get', `/records/product?sku=eq.${code}&select=sku,name,origin,revision`)).body;
const actions = async (code: string): Promise<string[]> => {
  const { rows } = await test.database.admin(
    "select action from audit.events where tenant_id = $1 and body::json->'after'->>'sku' = $2 order by event_id",
    [tenant.id, code],
  );
  return rows.map(({ action }) => action as string);
};

/** Sends a request that meets, as it writes, a record which is not committed yet; then that is. */
async function overtaken<T>(code: string, send: () => PromiseLike<T>): Promise<T> {
  return withClient(test.database.adminUrl, async (client) => {
    await client.query('begin');
    await client.query(
      `insert into "${tenant.schemaName}".product
         (tenant_id, id, sku, name, origin, created_at, updated_at, created_by, updated_by, revision)
       values ($1, gen_random_uuid(), $2, 'theirs', 'there', now(), now(), 'them', 'them', 1)`,
      [tenant.id, code],
    );
    // Sent by being awaited.
    const sent = Promise.resolve(send().then((answer) => answer));
    await eventually(async () => {
      const { rows } = await test.database.admin(
        "select 1 from pg_stat_activity where wait_event = 'transactionid' and datname = current_database()",
      );
      return rows.length > 0;
    });
    await client.query('commit');
    return sent;
  });
}

describe('an upsert that is overtaken', () => {
  it('refuses what does not fit the record that is there then, and keeps nothing', async () => {
    const code = sku();
    const one = await overtaken(code, () => upsert({ sku: code, name: 'ours', origin: 'here' }));
    expect([refusal(one), faultsOf(one)]).toEqual(['422 record/invalid', ['/origin immutable']]);
    const [late, beside] = [sku(), sku()];
    const both = [
      { sku: beside, name: 'ours' },
      { sku: late, origin: 'here' },
    ];
    const two = await overtaken(late, () => upsert(both));
    expect([refusal(two), faultsOf(two)]).toEqual(['422 record/invalid', ['/1/origin immutable']]);
    expect([await found(beside), await actions(beside)]).toEqual([[], []]);
    expect(await found(code)).toEqual([{ sku: code, name: 'theirs', origin: 'there', revision: 1 }]);
  });

  it('merges, alone and beside another, and tells the trail of each once', async () => {
    const [code, late, beside] = [sku(), sku(), sku()];
    const one = await overtaken(code, () => upsert({ sku: code, name: 'ours' }));
    expect([one.status, one.body.revision]).toEqual([200, 2]);
    const both = [
      { sku: beside, name: 'ours' },
      { sku: late, name: 'ours' },
    ];
    const two = await overtaken(late, () => upsert(both));
    expect([two.status, two.body.map(({ revision }: { revision: number }) => revision)]).toEqual([201, [1, 2]]);
    const merged = { name: 'ours', origin: 'there', revision: 2 };
    expect([await found(code), await found(late)]).toEqual([[{ sku: code, ...merged }], [{ sku: late, ...merged }]]);
    expect([await actions(code), await actions(late), await actions(beside)]).toEqual([
      ['record.updated'],
      ['record.updated'],
      ['record.created'],
    ]);
  });

  it('is done once with an Idempotency-Key, and shows what select asks for', async () => {
    const code = sku();
    const key = randomUUID();
    const keyed = () => upsert({ sku: code, name: 'ours' }, '?on_conflict=sku&select=name,revision').set('idempotency-key', key);
    const first = await overtaken(code, keyed);
    expect([first.status, first.body]).toEqual([200, { name: 'ours', revision: 2 }]);
    const again = await keyed();
    expect([again.body, again.headers['idempotency-replayed']]).toEqual([first.body, 'true']);
    expect(await actions(code)).toEqual(['record.updated']);
  });

  it('by PUT with its key replaces, and is refused with a tag of a record that was not there', async () => {
    const code = sku();
    const put = await overtaken(code, () =>
      call('put', `/records/product?sku=eq.${code}`).send({ sku: code, name: 'ours', origin: 'there' }),
    );
    expect([put.status, put.headers.etag]).toEqual([200, '"2"']);
    const none = sku();
    const tagged = await call('put', `/records/product?sku=eq.${none}`).set('if-match', '"1"').send({ sku: none });
    expect([refusal(tagged), await found(none)]).toEqual(['412 record/precondition-failed', []]);
  });
});
