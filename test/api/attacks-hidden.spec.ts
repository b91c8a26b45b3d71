/** What is write-only, on every way there is to a value: the ways that show records, and those that would tell by their answer. */

import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

const CANARY = 'canary-5b1f0c';
const NDJSON = 'application/x-ndjson';

const VAULT = {
  type: 'object',
  softDelete: true,
  history: 'full',
  required: ['code'],
  properties: {
    code: { type: 'string', unique: true },
    note: { type: 'string' },
    pin: { type: 'string', writeOnly: true, minLength: 4 },
    keys: { type: 'object', writeOnly: true },
    weight: { type: 'number', writeOnly: true },
  },
};
const DOOR = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    of: { type: 'string', relation: { entity: 'vault', field: 'code', inverse: 'doors' } },
    lock: { type: 'string', writeOnly: true },
  },
};
const SECRETS = { pin: CANARY, keys: { main: CANARY }, weight: 421_337.5 };
const HIDDEN = /canary|421337|"pin"|"keys"|"weight"|"lock"|\bpin,|,pin\b/;

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
let id: string;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('vault', VAULT);
  await tenant.define('door', DOOR);
  call = await tenant.as();
  bearer = await test.token(['admin'], tenant.id);
  id = (
    await call('post', '/records/vault')
      .send({ code: 'a', ...SECRETS })
      .expect(201)
  ).body.id;
  await call('post', '/records/door').send({ name: 'front', of: 'a', lock: CANARY }).expect(201);
});

afterAll(() => test.stop());

let bearer: string;
const rest = (method: Method, path: string) =>
  test.request(bearer, method, `/rest/v1/${path}`).set('prefer', 'return=representation');

const stored = async () =>
  (await test.database.admin(`select pin, keys, weight from "${tenant.schemaName}".vault where id = $1`, [id])).rows;

describe('a write-only value', () => {
  it('is stored, or nothing of this would prove anything', async () => {
    expect(await stored()).toEqual([SECRETS]);
  });

  it('is in no answer to those who read', async () => {
    const texts: [string, string][] = [];
    for (const path of [
      '/records/vault',
      `/records/vault/${id}`,
      '/records/vault?select=*',
      '/records/vault?select=*,doors(*)',
      '/records/door?select=*,vault(*)',
      '/records/door?select=*,...vault(code,note)',
      '/records/door?select=vault(*,doors(*,vault(*)))',
      '/records/vault?select=code,count()',
      '/exports/vault',
      '/exports/vault?format=csv',
      '/exports/door?format=csv',
      '/audit',
      '/types.ts',
    ]) {
      const { status, text } = await call('get', path);
      expect([path, status]).toEqual([path, 200]);
      texts.push([path, text]);
    }
    for (const accept of ['application/json', 'text/csv', 'application/vnd.pgrst.object+json']) {
      const { status, text } = await rest('get', 'vault?code=eq.a').set('accept', accept);
      expect([accept, status]).toEqual([accept, 200]);
      texts.push([accept, text]);
    }
    // Types and the trail of definitions name what may be written; values are nowhere.
    const values = /canary|421337/;
    for (const [path, text] of texts) {
      expect([path, (['/types.ts', '/audit'].includes(path) ? values : HIDDEN).exec(text)?.[0]]).toEqual([path, undefined]);
    }
    const { text } = await call('get', '/audit?action=record.created');
    expect([text.includes('"code"'), HIDDEN.exec(text)?.[0]]).toEqual([true, undefined]);
  });

  it('is in no answer to those who write, repeat, or try', async () => {
    const again = { code: 'b', ...SECRETS };
    const keyed = () =>
      call('post', '/records/vault')
        .set('idempotency-key', 'hidden-1')
        .send({ code: 'c', ...SECRETS });
    const path = `/records/vault/${id}`;
    const answers = [
      await call('post', '/records/vault').send([again]),
      await call('post', '/records/vault?on_conflict=code')
        .set('prefer', 'resolution=merge-duplicates')
        .send([{ ...again, note: 'x' }]),
      await call('put', '/records/vault?code=eq.b').send(again),
      await call('patch', path).send({ note: 'y', ...SECRETS }),
      await call('put', path).send({ code: 'a', ...SECRETS }),
      await call('patch', path)
        .set('prefer', 'tx=rollback')
        .send({ pin: `${CANARY}2` }),
      await call('patch', '/records/vault?code=eq.a').send({ pin: CANARY }),
      await keyed(),
      await keyed(),
      await call('delete', '/records/vault?code=in.(b,c)').set('prefer', 'return=representation'),
      await rest('post', 'vault').send({ code: 'd', ...SECRETS }),
      await rest('post', 'vault?columns=code,pin').send({ code: 'e', ...SECRETS }),
      await await rest('delete', 'vault?code=in.(d,e)'),
    ];
    for (const [index, { status, text }] of answers.entries()) {
      expect([index, status < 300, HIDDEN.exec(text)?.[0]]).toEqual([index, true, undefined]);
    }
    expect(await stored()).toEqual([SECRETS]);
  });

  it('is in nothing that is kept of the past, and comes back with what is restored', async () => {
    const { body } = await call('post', '/records/vault')
      .send({ code: 'past', ...SECRETS })
      .expect(201);
    await call('patch', `/records/vault/${body.id}`)
      .send({ pin: `${CANARY}-2`, note: 'changed' })
      .expect(200);
    await call('delete', `/records/vault/${body.id}`).expect(204);
    const told = [
      await call('get', `/records/vault/${body.id}/history`),
      await call('get', '/deleted/vault'),
      await call('get', `/deleted/vault/${body.id}`),
      await call('post', `/deleted/vault/${body.id}/restore`),
      await call('get', `/records/vault/${body.id}/history`),
    ];
    for (const [index, { status, text }] of told.entries()) {
      expect([index, status, text.includes(body.id), HIDDEN.exec(text)?.[0]]).toEqual([index, 200, true, undefined]);
    }
    const { rows } = await test.database.admin(`select pin from "${tenant.schemaName}".vault where id = $1`, [body.id]);
    expect(rows).toEqual([{ pin: `${CANARY}-2` }]);
    for (const path of [
      `/records/vault/${body.id}/history?select=pin`,
      '/deleted/vault?select=pin',
      `/deleted/vault?pin=eq.${CANARY}`,
    ]) {
      const { status, text } = await call('get', path);
      expect([path, status, HIDDEN.exec(text)?.[0]?.includes('canary') ?? false]).toEqual([path, 400, false]);
    }
  });

  it('is not repeated by what refuses it', async () => {
    const wrong = { code: 'x', pin: 'abc', keys: CANARY, weight: CANARY };
    const line = JSON.stringify({ ...wrong, pin: 7, note: 5 });
    const refused = [
      await call('post', '/records/vault').send(wrong),
      await call('patch', `/records/vault/${id}`).send({ keys: CANARY }),
      await call('post', '/imports/vault').set('content-type', NDJSON).send(`${line}\n`),
      await call('post', '/imports/vault?dryRun=true').set('content-type', NDJSON).send(`${line}\n`),
      await call('post', '/imports/vault').set('content-type', 'text/csv').send(`code,weight\nx,${CANARY}\n`),
      await rest('post', 'vault').send(wrong),
      // What stands in the way of a change of type.
      await call('post', '/entities/vault/plan').send({
        ...VAULT,
        properties: { ...VAULT.properties, pin: { type: 'integer', writeOnly: true } },
      }),
      await call('get', '/imports'),
    ];
    for (const [index, { text }] of refused.entries()) expect([index, /canary/.exec(text)?.[0]]).toEqual([index, undefined]);
    expect(refused.slice(0, 3).map(({ status }) => status)).toEqual([422, 422, 422]);
  });

  it.each([
    'select=pin',
    'select=secret:pin',
    'select=pin::text',
    'select=keys->main',
    'select=secret:keys->>main',
    'select=pin.max()',
    'select=weight.sum()',
    'select=weight.avg()',
    'select=pin.count()',
    'select=code,weight.min()',
    'select=doors(lock)',
    'select=doors(open:lock)',
    'select=doors(lock.max())',
    'select=...doors(lock)',
    `pin=eq.${CANARY}`,
    'pin=like.c*',
    'pin=not.is.null',
    `keys->>main=eq.${CANARY}`,
    `keys=cs.{"main":"${CANARY}"}`,
    'weight=gt.1',
    `or=(code.eq.x,pin.eq.${CANARY})`,
    `not.and=(pin.neq.${CANARY})`,
    `select=*,doors!inner(*)&doors.lock=eq.${CANARY}`,
    `select=*,doors(*)&doors.or=(lock.eq.${CANARY})`,
    'order=pin',
    'order=keys->>main',
    'order=weight.desc.nullslast',
    'select=*,doors(*)&doors.order=lock',
  ])('is refused as a part of %s, on both surfaces, with nothing that tells what it is', async (query) => {
    for (const answer of [await call('get', `/records/vault?${query}`), await rest('get', `vault?${query}`)]) {
      const { status, text } = await answer;
      expect([status, text.includes('421337')]).toEqual([400, false]);
    }
  });

  it.each([
    ['select=name,of', 'select=name,lock'],
    ['select=*,vault(*)&order=vault(code)', 'select=*,vault(*)&order=vault(pin)'],
    ['select=*,vault(*)&vault.code=not.is.null', 'select=*,vault(*)&vault.pin=not.is.null'],
    ['select=*,vault!inner(code)&vault.code=eq.a', `select=*,vault!inner(code)&vault.pin=eq.${CANARY}`],
    ['select=name,...vault(code)', 'select=name,...vault(pin)'],
  ])('is refused on the way through a relation, where %s is not: %s', async (shown, hidden) => {
    expect((await call('get', `/records/door?${shown}`)).status).toBe(200);
    expect((await call('get', `/records/door?${hidden}`)).status).toBe(400);
  });

  it('is no filter of exports, changes, deletions or keys', async () => {
    const asked: [string, PromiseLike<{ status: number }>][] = [
      ['export select', call('get', '/exports/vault?select=code,pin')],
      ['export filter', call('get', `/exports/vault?pin=eq.${CANARY}`)],
      ['change', call('patch', `/records/vault?pin=eq.${CANARY}`).send({ note: 'found' })],
      ['delete', call('delete', `/records/vault?pin=eq.${CANARY}`)],
      ['key', call('put', `/records/vault?pin=eq.${CANARY}`).send({ code: 'z', pin: CANARY })],
      [
        'conflict',
        call('post', '/records/vault?on_conflict=pin')
          .set('prefer', 'resolution=merge-duplicates')
          .send([{ code: 'z', pin: CANARY }]),
      ],
      ['import', call('post', '/imports/vault?on_conflict=pin').set('content-type', NDJSON).send('{"code":"z"}\n')],
    ];
    for (const [what, request] of asked) expect([what, (await request).status]).toEqual([what, 400]);
    expect(await stored()).toEqual([SECRETS]);
  });

  it.each([
    ['tested', [{ op: 'test', path: '/pin', value: CANARY }]],
    ['tested within', [{ op: 'test', path: '/keys/main', value: CANARY }]],
    ['copied to where it shows', [{ op: 'copy', from: '/pin', path: '/note' }]],
    ['moved to where it shows', [{ op: 'move', from: '/pin', path: '/note' }]],
    ['copied from within', [{ op: 'copy', from: '/keys/main', path: '/note' }]],
    ['copied into what nobody declared', [{ op: 'copy', from: '/pin', path: '/loot' }]],
  ])('cannot be %s by a JSON patch', async (_, operations) => {
    const patch = (body: object) =>
      call('patch', `/records/vault/${id}`).set('content-type', 'application/json-patch+json').send(JSON.stringify(body));
    const answer = await patch(operations);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.text).not.toContain('canary');
    // The same when the guess is wrong.
    const guess = operations.map((operation) => ({ ...operation, ...('value' in operation && { value: 'wrong' }) }));
    const { instance: one, ...told } = answer.body;
    const { instance: other, ...guessed } = (await patch(guess)).body;
    expect([told, typeof one]).toEqual([guessed, typeof other]);
    expect(await stored()).toEqual([SECRETS]);
  });
});
