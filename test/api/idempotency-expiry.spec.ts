/** Answers kept for repeats: what stands in the table, for how long, and how they go. */

import { randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import { IdempotencySweep } from '../../src/http/idempotency-sweep.js';
import { createLogger } from '../../src/platform/log.js';
import { refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService } from '../harness/service.js';

let test: TestService;
let send: (key: string, method: Method, path: string, body: object) => ReturnType<TestService['request']>;

beforeAll(async () => {
  test = await startTestService();
  const tenant = await test.tenant();
  const call = await tenant.as('editor');
  send = (key, method, path, body) => call(method, path).set('idempotency-key', key).send(body);
  await tenant.define('item', { type: 'object', properties: { text: { type: 'string' } } });
});

afterAll(() => test.stop());

const kept = async (key: string): Promise<number> => {
  const { rowCount } = await test.database.admin(
    'select from business_store_service.idempotency_keys where key_hash = sha256($1::text::bytea)',
    [key],
  );
  return rowCount ?? 0;
};
const isReplay = ({ headers }: Response): boolean => headers['idempotency-replayed'] === 'true';

describe('what is kept', () => {
  it('is absent once it has expired, swept or not: the request is done anew', async () => {
    const key = randomUUID();
    const send1 = () => send(key, 'post', '/records/item', { text: 'first' });
    const first = await send1();
    await test.database.admin('update business_store_service.idempotency_keys set expires_at = now()');
    const second = await send(key, 'post', '/records/item', { text: 'second' });
    expect([second.status, isReplay(second), second.body.id === first.body.id]).toEqual([201, false, false]);
    expect(refusal(await send1())).toBe('422 request/idempotency-key-reused');
    const { rows } = await test.database.admin(
      `select expires_at between now() + interval '23 hours' and now() + interval '24 hours' as tomorrow
       from business_store_service.idempotency_keys where key_hash = sha256($1::text::bytea)`,
      [key],
    );
    expect(rows).toEqual([{ tomorrow: true }]);
  });

  it('names neither the key nor the body', async () => {
    const [key, text] = [randomUUID(), randomUUID()];
    await send(key, 'post', '/records/item', { text }).set('prefer', 'return=minimal').expect(201);
    const { rows } = await test.database.admin(
      'select k::text as row from business_store_service.idempotency_keys as k where key_hash = sha256($1::text::bytea)',
      [key],
    );
    expect(rows).toHaveLength(1);
    for (const secret of [key, text, Buffer.from(key).toString('hex')]) expect(rows[0].row).not.toContain(secret);
  });

  it('is swept when it has expired, of all tenants, and not before', async () => {
    const key = randomUUID();
    await send(key, 'post', '/records/item', {}).expect(201);
    await test.database.admin(
      `insert into business_store_service.idempotency_keys (tenant_id, subject, key_hash, request_hash, expires_at, status, headers)
       select gen_random_uuid(), 'somebody', sha256(n::text::bytea), sha256(''), now() - n / 2 * interval '1 second', 201, '{}'
       from generate_series(1, 2500) as n`,
    );
    await new IdempotencySweep(test.service.controlPlane, createLogger('silent')).sweep();
    const { rows } = await test.database.admin(
      'select count(*)::int as n from business_store_service.idempotency_keys where expires_at <= now()',
    );
    expect([rows, await kept(key)]).toEqual([[{ n: 0 }], 1]);
  });
});
