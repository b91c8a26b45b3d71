/** Idempotency-Key: what is refused, what a repeat is answered, and that whatever is repeated happens once. */

import { createHash, randomUUID } from 'node:crypto';
import type { Response } from 'supertest';
import type { RunningService } from '../../src/start.js';
import { withClient } from '../harness/database.js';
import { refusal } from '../harness/problem.js';
import { apiOf, type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let another: RunningService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

const ITEM = {
  type: 'object',
  additionalProperties: false,
  properties: { number: { type: 'integer', unique: true }, text: { type: 'string', maxLength: 1_000_000 } },
};

beforeAll(async () => {
  test = await startTestService({ MAX_INSERT_ROWS: '100000', STATEMENT_TIMEOUT_MS: '2000' });
  another = await test.another();
  tenant = await test.tenant();
  call = await tenant.as('editor');
  await tenant.define('item', ITEM);
});

afterAll(async () => {
  await another.stop();
  await test.stop();
});

const send = (key: string, method: Method, path: string, body?: object) => {
  const request = call(method, path).set('idempotency-key', key);
  return body === undefined ? request : request.send(body);
};
const insert = async (record: object = {}) => (await call('post', '/records/item').send(record).expect(201)).body;
const withText = async (text: string): Promise<unknown[]> => (await call('get', `/records/item?text=eq.${text}`)).body;
const kept = async (key: string): Promise<number> => {
  const { rowCount } = await test.database.admin(
    'select from business_store_service.idempotency_keys where key_hash = sha256($1::text::bytea)',
    [key],
  );
  return rowCount ?? 0;
};

/** All that a client sees of an answer, but what belongs to the request, and the mark of a replay. */
function seen({ status, text, headers }: Response) {
  const { date, connection, 'keep-alive': _, 'x-request-id': __, 'idempotency-replayed': ___, ratelimit, ...others } = headers;
  return { status, text, headers: others };
}
const isReplay = ({ headers }: Response): boolean => headers['idempotency-replayed'] === 'true';

describe('a request is refused', () => {
  it.each([
    ['an empty key', ''],
    ['an empty string', '""'],
    ['a key that is too long', 'k'.repeat(256)],
    ['a key with a control character', '"a\tb"'],
    ['two keys', 'one, two'],
  ])('with %s', async (_, key) => {
    const text = randomUUID();
    expect(refusal(await send(key, 'post', '/records/item', { text }))).toBe('400 request/invalid-header');
    expect(await withText(text)).toEqual([]);
  });

  it('with a key outside of ASCII', async () => {
    // Node sends header values as latin1.
    expect(refusal(await send('sch\u00fcssel', 'post', '/records/item', {}))).toBe('400 request/invalid-header');
  });

  it('when its key was used for another body, query, path or method, and nothing is written', async () => {
    const [key, { id }] = [randomUUID(), await insert({ text: 'before' })];
    await send(key, 'patch', `/records/item/${id}`, { text: 'after' }).expect(200);
    const others: [Method, string, object?][] = [
      ['patch', `/records/item/${id}`, { text: 'other' }],
      ['patch', `/records/item/${id}`],
      ['patch', `/records/item/${id}?x=1`, { text: 'after' }],
      ['patch', `/records/item/${randomUUID()}`, { text: 'after' }],
      ['put', `/records/item/${id}`, { text: 'after' }],
      ['post', '/records/item', { text: 'after' }],
      ['post', '/records/item', { text: 7 }],
      ['delete', `/records/item/${id}`],
    ];
    for (const [method, path, body] of others) {
      const refused = refusal(await send(key, method, path, body));
      expect([method, path, refused]).toEqual([method, path, '422 request/idempotency-key-reused']);
    }
    expect((await call('get', `/records/item/${id}`)).body).toMatchObject({ text: 'after', revision: 2 });
    expect(isReplay(await send(key, 'patch', `/records/item/${id}`, { text: 'after' }))).toBe(true);
  });

  it('when its answer would be larger than what is kept; without the answer it is taken', async () => {
    const [key, text] = [randomUUID(), 'x'.repeat(600_000)];
    const bulk = [{ text }, { text, number: 600_000 }];
    const answer = await send(key, 'post', '/records/item', bulk);
    expect([refusal(answer), answer.body.limit]).toEqual(['413 request/answer-too-large', 1_000_000]);
    expect([(await call('get', '/records/item?number=eq.600000')).body, await kept(key)]).toEqual([[], 0]);
    const minimal = () => send(key, 'post', '/records/item', bulk).set('prefer', 'return=minimal');
    const first = await minimal();
    expect(seen(first)).toMatchObject({ status: 201, text: '', headers: { 'preference-applied': 'return=minimal' } });
    expect(seen(await minimal())).toEqual(seen(first));
    expect((await call('get', '/records/item?number=eq.600000')).body).toHaveLength(1);
  });

  it('while another transaction holds its key for too long, and may then be repeated', async () => {
    const [key, text] = [randomUUID(), randomUUID()];
    await withClient(test.database.adminUrl, async (client) => {
      await client.query('begin');
      await client.query(
        `insert into business_store_service.idempotency_keys (tenant_id, subject, key_hash, request_hash, expires_at)
         values ($1, 'editor@test', $2, $2, now() + interval '1 hour')`,
        [tenant.id, createHash('sha256').update(key).digest()],
      );
      const answer = await send(key, 'post', '/records/item', { text });
      expect([refusal(answer), answer.headers['retry-after']]).toEqual(['409 request/idempotency-in-progress', '2']);
      await client.query('rollback');
    });
    expect(await withText(text)).toEqual([]);
    const answer = await send(key, 'post', '/records/item', { text });
    expect([answer.status, isReplay(answer)]).toEqual([201, false]);
  });
});

describe('a refused request leaves nothing, and may be repeated', () => {
  it('when it did not match the document', async () => {
    const key = randomUUID();
    expect(refusal(await send(key, 'post', '/records/item', { text: 7 }))).toBe('422 record/invalid');
    expect(await kept(key)).toBe(0);
    expect((await send(key, 'post', '/records/item', { text: 'corrected' })).status).toBe(201);
  });

  it('when the database refused it, once what stood in the way is gone', async () => {
    const [key, { id }] = [randomUUID(), await insert({ number: 77 })];
    const again = () => send(key, 'post', '/records/item', { number: 77 });
    expect(refusal(await again())).toBe('409 record/duplicate');
    expect(await kept(key)).toBe(0);
    await call('delete', `/records/item/${id}`).expect(204);
    const done = await again();
    expect([done.status, isReplay(done), isReplay(await again())]).toEqual([201, false, true]);
  });

  it('when there was no such record, or it had changed', async () => {
    const [key, { id }] = [randomUUID(), await insert()];
    const absent = () => send(key, 'delete', `/records/item/${randomUUID()}`);
    expect([refusal(await absent()), refusal(await absent())]).toEqual(['404 record/not-found', '404 record/not-found']);
    const patch = (tag: string) => send(key, 'patch', `/records/item/${id}`, { text: 'x' }).set('if-match', tag);
    expect(refusal(await patch('"7"'))).toBe('412 record/precondition-failed');
    expect((await patch('"1"')).status).toBe(200);
  });
});

describe('a repeat', () => {
  const repeated = async (key: string, method: Method, path: string, body?: object) => {
    const first = await send(key, method, path, body);
    const second = await send(key, method, path, body);
    expect([first.status < 300, isReplay(first), isReplay(second)]).toEqual([true, false, true]);
    expect(seen(second)).toEqual(seen(first));
    return first;
  };

  it('of an insert is answered alike: one record, one audit event', async () => {
    const { body, headers } = await repeated(randomUUID(), 'post', '/records/item', { text: 'only' });
    expect(headers).toMatchObject({ etag: '"1"', location: `/api/v1/tenants/${tenant.id}/records/item/${body.id}` });
    expect(await withText('only')).toEqual([body]);
    const { rowCount } = await test.database.admin('select from audit.events where record_id = $1', [body.id]);
    expect(rowCount).toBe(1);
  });

  it('of many records, and of none', async () => {
    const { body } = await repeated(randomUUID(), 'post', '/records/item', [{ text: 'several' }, { text: 'several' }]);
    expect(await withText('several')).toHaveLength(body.length);
    expect((await repeated(randomUUID(), 'post', '/records/item', [])).body).toEqual([]);
  });

  it('of a change is answered as it was, whatever happened to the record since', async () => {
    const [first, second, third] = [randomUUID(), randomUUID(), randomUUID()];
    const { id } = await insert({ text: 'a' });
    const path = `/records/item/${id}`;
    await repeated(first, 'patch', path, { text: 'b' });
    await repeated(second, 'put', path, { text: 'c' });
    const patched = await send(first, 'patch', path, { text: 'b' });
    expect([patched.body.text, patched.headers.etag, isReplay(patched)]).toEqual(['b', '"2"', true]);
    expect((await call('get', path)).body).toMatchObject({ text: 'c', revision: 3 });
    expect((await repeated(third, 'delete', path)).status).toBe(204);
    expect((await send(second, 'put', path, { text: 'c' })).body).toMatchObject({ text: 'c', revision: 3 });
  });

  it('with the precondition that its first sending met', async () => {
    const [key, { id }] = [randomUUID(), await insert()];
    const patch = () => send(key, 'patch', `/records/item/${id}`, { text: 'x' }).set('if-match', '"1"');
    expect([(await patch()).headers.etag, (await patch()).headers.etag]).toEqual(['"2"', '"2"']);
  });

  it('below /rest/v1 is answered alike, too; the same key on the other path is another request', async () => {
    const [key, token] = [randomUUID(), await test.token(['editor'], tenant.id)];
    const insert = () => test.request(token, 'post', '/rest/v1/item').set('idempotency-key', key).send({ text: 'by rest' });
    const [first, second] = [await insert(), await insert()];
    expect([first.status, isReplay(first), isReplay(second)]).toEqual([201, false, true]);
    expect(seen(second)).toEqual(seen(first));
    expect(await withText('by%20rest')).toHaveLength(1);
    expect(refusal(await send(key, 'post', '/records/item', { text: 'by rest' }))).toBe('422 request/idempotency-key-reused');
  });

  it('of what could not be done any more: its entity is gone', async () => {
    const key = randomUUID();
    await tenant.define('passing', ITEM);
    const first = await send(key, 'post', '/records/passing', { text: 'x' });
    await (await tenant.as('admin'))('delete', '/entities/passing?allow=destructive').expect(204);
    expect(refusal(await send(randomUUID(), 'post', '/records/passing', { text: 'x' }))).toBe('404 entity/not-found');
    expect(seen(await send(key, 'post', '/records/passing', { text: 'x' }))).toEqual(seen(first));
  });

  it('is told by the key, bare or in quotation marks', async () => {
    const key = randomUUID();
    const first = await send(key, 'post', '/records/item', {});
    const second = await send(`"${key}"`, 'post', '/records/item', {});
    expect([second.body, isReplay(second)]).toEqual([first.body, true]);
  });

  it('has a key of its own in each tenant, and for each subject', async () => {
    const key = randomUUID();
    const other = await test.tenant();
    await other.define('item', ITEM);
    const callers = [call, await tenant.as('admin'), await other.as('editor')];
    const answers = await Promise.all(
      callers.map((each) => each('post', '/records/item').set('idempotency-key', key).send({}).expect(201)),
    );
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(3);
    expect([answers.some(isReplay), await kept(key)]).toEqual([false, 3]);
  });

  it('of a read is none: the key means nothing there', async () => {
    const [key, { id }] = [randomUUID(), await insert({ text: 'a' })];
    const read = () => send(key, 'get', `/records/item/${id}`);
    await read();
    await call('patch', `/records/item/${id}`).send({ text: 'b' });
    expect([(await read()).body.text, isReplay(await read()), await kept(key)]).toEqual(['b', false, 0]);
  });
});

describe('at once', () => {
  it('50 repeats over two instances have one effect and one answer', async () => {
    const elsewhere = apiOf(another.url, test.token).request;
    const token = await test.token(['editor'], tenant.id);
    for (const [method, path, body] of [
      ['post', '/records/item', { text: 'one of fifty' }],
      ['patch', `/records/item/${(await insert()).id}`, { text: 'patched once' }],
      ['delete', `/records/item/${(await insert()).id}`, undefined],
    ] as const) {
      const key = randomUUID();
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, i) => {
          const request = i % 2 === 0 ? test.request : elsewhere;
          const sent = request(token, method, `/api/v1/tenants/${tenant.id}${path}`).set('idempotency-key', key);
          return body ? sent.send(body) : sent;
        }),
      );
      expect(new Set(answers.map((answer) => JSON.stringify(seen(answer)))).size).toBe(1);
      expect([answers[0]?.status, answers.filter(isReplay).length]).toEqual([{ post: 201, patch: 200, delete: 204 }[method], 49]);
    }
    expect(await withText('one of fifty')).toHaveLength(1);
    expect(await withText('patched once')).toMatchObject([{ revision: 2 }]);
  });

  it('repeats of what is refused are refused each, and the first that can be done is the one', async () => {
    const [key, { id }] = [randomUUID(), await insert({ number: 91 })];
    const again = () => send(key, 'post', '/records/item', { number: 91 });
    const refused = await Promise.all(Array.from({ length: 10 }, again));
    expect(new Set(refused.map(refusal))).toEqual(new Set(['409 record/duplicate']));
    await call('delete', `/records/item/${id}`);
    const done = await Promise.all(Array.from({ length: 10 }, again));
    expect([new Set(done.map(({ body }) => body.id)).size, done.filter(isReplay).length]).toEqual([1, 9]);
  });
});
