/** Whose a member is, and whose a record: what the store sets, what is set once, what is never shown, and ids across tenants. */

import { randomUUID } from 'node:crypto';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

type Call = Awaited<ReturnType<TestTenant['as']>>;

let test: TestService;
let tenant: TestTenant;
let other: TestTenant;
let call: Call;
let stranger: Call;

beforeAll(async () => {
  test = await startTestService();
  [tenant, other] = [await test.tenant(), await test.tenant()];
  [call, stranger] = [await tenant.as('service'), await other.as()];
  for (const each of [tenant, other]) await each.define('thing', THING);
  await tenant.define('closed', { ...THING, additionalProperties: false });
  await tenant.define('ticket', TICKET);
});

afterAll(() => test.stop());

const THING = { type: 'object', properties: { name: { type: 'string' } } };
const TICKET = {
  type: 'object',
  additionalProperties: false,
  required: ['number', 'serial'],
  properties: {
    number: { type: 'integer', immutable: true },
    serial: { type: 'string', format: 'uuid', generated: 'uuid' },
    opened: { type: 'string', format: 'date-time', generated: 'now' },
    by: { type: 'string', generated: 'actor' },
    state: { type: 'string', readOnly: true, default: 'open' },
    pin: { type: 'string', writeOnly: true, minLength: 4 },
    note: { type: 'string' },
  },
};

/** The row as it lies in the table, whatever the API says. */
async function stored(of: TestTenant, id: string) {
  const { rows } = await test.database.admin(`select * from "${of.schemaName}".thing where id = $1`, [id]);
  return rows[0];
}

describe('members of the store', () => {
  it.each(['tenant_id', 'revision', 'created_at', 'updated_at', 'created_by', 'updated_by', '_extra'])(
    '%s is refused on insert, on replace and in a patch, and nothing is changed',
    async (member) => {
      const body = { name: 'a', [member]: member === 'revision' ? 7 : other.id };
      const inserted = await call('post', '/records/thing').send([{ name: 'fine' }, body]);
      expect([refusal(inserted), faultsOf(inserted)]).toEqual(['422 record/invalid', [`/1/${member} readOnly`]]);
      const { id } = (await call('post', '/records/thing').send({ name: 'a' })).body;
      const before = await stored(tenant, id);
      for (const answer of [
        await call('put', `/records/thing/${id}`).send(body),
        await call('patch', `/records/thing/${id}`).send(body),
      ]) {
        expect([refusal(answer), faultsOf(answer)]).toEqual(['422 record/invalid', [`/${member} readOnly`]]);
      }
      expect(await stored(tenant, id)).toEqual(before);
    },
  );

  it('the id is refused as anything but a uuid, and as another one in a change', async () => {
    for (const id of ['1', 1, null, {}, '', 'g'.repeat(36), `${randomUUID()} `]) {
      expect(faultsOf(await call('post', '/records/thing').send({ id }))).toEqual(['/id format']);
    }
    const { id } = (await call('post', '/records/thing').send({})).body;
    expect(faultsOf(await call('put', `/records/thing/${id}`).send({ id: randomUUID() }))).toEqual(['/id readOnly']);
  });

  it('JavaScript’s own names are members like any other where undeclared ones are kept, and refused where not', async () => {
    const record = {
      constructor: { prototype: { admin: true } },
      toString: 'x',
      hasOwnProperty: 1,
      roles: ['admin'],
      'tenant_id ': 'x',
    };
    const created = await call('post', '/records/thing').send(record);
    expect(created.body).toMatchObject(record);
    expect((await call('get', `/records/thing/${created.body.id}`)).body).toEqual(created.body);
    const closed = await call('post', '/records/closed').send(record);
    expect(faultsOf(closed).sort()).toEqual(
      Object.keys(record)
        .map((name) => `/${name} additionalProperties`)
        .sort(),
    );
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    const patched = await call('patch', `/records/thing/${created.body.id}`).send({
      constructor: { prototype: null },
      toString: null,
    });
    const { toString: _, ...rest } = created.body;
    expect(patched.body).toEqual({ ...rest, ...system(patched.body), constructor: {} });
  });
});

describe('properties that are', () => {
  const ticket = async (members: object = {}) => call('post', '/records/ticket').send({ number: 1, ...members });

  it('generated or readOnly are refused from outside, and set by the store', async () => {
    const refused = await ticket({ serial: randomUUID(), opened: '2020-01-01T00:00:00Z', by: 'me', state: 'done' });
    expect(faultsOf(refused).sort()).toEqual(['/by readOnly', '/opened readOnly', '/serial readOnly', '/state readOnly']);
    const { body } = await ticket();
    expect(body).toMatchObject({ by: 'service@test', state: 'open', serial: expect.stringMatching(/^[0-9a-f-]{36}$/) });
    expect(Math.abs(Date.parse(body.opened) - Date.now())).toBeLessThan(60_000);
    for (const change of [{ serial: randomUUID() }, { opened: '2020-01-01T00:00:00Z' }, { by: 'me' }, { state: 'done' }]) {
      expect(faultsOf(await call('patch', `/records/ticket/${body.id}`).send(change))).toEqual([
        `/${Object.keys(change)[0]} readOnly`,
      ]);
    }
    const replaced = await call('put', `/records/ticket/${body.id}`).send({ number: 1, note: 'kept' });
    expect(replaced.body).toEqual({ ...body, ...system(replaced.body), note: 'kept' });
  });

  it('immutable are set once, may be sent back, and stay when they are left out', async () => {
    const { body } = await ticket({ number: 5 });
    const path = `/records/ticket/${body.id}`;
    expect(faultsOf(await call('put', path).send({ number: 6 }))).toEqual(['/number immutable']);
    expect(faultsOf(await call('patch', path).send({ number: 6 }))).toEqual(['/number immutable']);
    expect((await call('put', path).send({ number: 5, note: 'a' })).body).toMatchObject({ number: 5, note: 'a' });
    expect((await call('put', path).send({ note: 'b' })).body).toMatchObject({ number: 5, note: 'b' });
    expect((await call('patch', path).send({ number: null })).body).toMatchObject({ number: 5 });
  });

  it('writeOnly are validated and kept, and never shown, selected, filtered, sorted on or audited', async () => {
    expect(faultsOf(await ticket({ pin: '123' }))).toEqual(['/pin minLength']);
    const { body } = await ticket({ pin: 'secret-pin' });
    const path = `/records/ticket/${body.id}`;
    const answers = [
      body,
      (await call('get', path)).body,
      (await call('patch', path).send({ note: 'x' })).body,
      (await call('get', '/records/ticket')).body,
    ];
    expect(JSON.stringify(answers)).not.toContain('pin');
    for (const query of [
      'select=pin',
      'select=*,pin',
      'pin=eq.secret-pin',
      'order=pin',
      'or=(pin.like.s*,number.eq.1)',
      'pin=is.null',
    ]) {
      expect(refusal(await call('get', `/records/ticket?${query}`))).toBe('400 request/invalid-query');
    }
    const { rows } = await test.database.admin(`select pin from "${tenant.schemaName}".ticket where id = $1`, [body.id]);
    expect(rows).toEqual([{ pin: 'secret-pin' }]);
    expect((await (await tenant.as('auditor'))('get', '/audit')).text).not.toContain('secret-pin');
    // Whoever reads and writes back has never seen it: only PATCH removes it.
    const stored = () => test.database.admin(`select pin from "${tenant.schemaName}".ticket where id = $1`, [body.id]);
    expect((await call('put', path).send({ number: 1 })).status).toBe(200);
    expect((await stored()).rows).toEqual([{ pin: 'secret-pin' }]);
    expect((await call('patch', path).send({ pin: null })).status).toBe(200);
    expect((await stored()).rows).toEqual([{ pin: null }]);
  });
});

describe('ids', () => {
  it('may be given, in either case, and are taken once within an entity', async () => {
    const id = randomUUID();
    const created = await call('post', '/records/thing').send({ id: id.toUpperCase(), name: 'mine' });
    expect([created.status, created.body.id]).toEqual([201, id]);
    expect((await call('get', `/records/thing/${id.toUpperCase()}`)).body).toEqual(created.body);
    const again = await call('post', '/records/thing').send({ id, name: 'again' });
    expect([refusal(again), faultsOf(again)]).toEqual(['409 record/duplicate', ['/id unique']]);
    const twice = randomUUID();
    expect(refusal(await call('post', '/records/thing').send([{ id: twice }, { id: twice }]))).toBe('409 record/duplicate');
    expect((await call('post', '/records/closed').send({ id })).status).toBe(201);
  });

  it('of another tenant’s records make records of one’s own, and tell nothing of the other', async () => {
    const theirs = (await stranger('post', '/records/thing').send({ name: 'theirs' })).body;
    const before = await stored(other, theirs.id);
    const known = await call('get', `/records/thing/${theirs.id}`);
    const unknown = await call('get', `/records/thing/${randomUUID()}`);
    expect({ ...known.body, instance: '' }).toEqual({ ...unknown.body, instance: '' });
    expect(refusal(await call('put', `/records/thing/${theirs.id}`).send({}))).toBe('404 record/not-found');
    expect(refusal(await call('delete', `/records/thing/${theirs.id}`))).toBe('404 record/not-found');
    const own = await call('post', '/records/thing').send({ id: theirs.id, name: 'ours' });
    expect([own.status, own.body]).toMatchObject([201, { id: theirs.id, name: 'ours', revision: 1 }]);
    await call('patch', `/records/thing/${theirs.id}`).send({ name: 'ours, changed' });
    expect((await call('delete', `/records/thing/${theirs.id}`)).status).toBe(204);
    expect(await stored(other, theirs.id)).toEqual(before);
    expect((await stranger('get', `/records/thing/${theirs.id}`)).body).toEqual(theirs);
  });

  it('and tags do not tell how much others store: ids differ in 74 random bits, revisions are the record’s own', async () => {
    const mine = (await call('post', '/records/thing').send({})).body;
    for (let i = 0; i < 5; i++) await stranger('post', '/records/thing').send({});
    const next = (await call('post', '/records/thing').send({})).body;
    expect([mine.revision, next.revision]).toEqual([1, 1]);
    const random = (id: string) => BigInt(`0x${id.replaceAll('-', '').slice(16)}`) & ((1n << 62n) - 1n);
    const distance = random(next.id) - random(mine.id);
    expect((distance < 0n ? -distance : distance) > 1_000_000n).toBe(true);
  });
});

function system({ id, created_at, updated_at, created_by, updated_by, revision }: Record<string, unknown>) {
  return { id, created_at, updated_at, created_by, updated_by, revision };
}
