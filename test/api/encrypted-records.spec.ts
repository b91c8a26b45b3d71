/** Encrypted properties by every way in and out of records: as if they were not, but for what nobody could ask of them. */

import type { Response } from 'supertest';
import type { Call } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(60_000);

let test: TestService;
let tenant: TestTenant;
let call: Call;

const PERSON = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    ssn: { type: 'string', encrypted: { searchable: 'equality' }, unique: true },
    diagnosis: { type: ['string', 'null'], encrypted: true },
    salary: { type: 'string', format: 'decimal', precision: 12, scale: 2, encrypted: { searchable: 'equality' } },
    born: { type: 'string', format: 'date-time', encrypted: true },
    profile: { type: 'object', encrypted: true },
    code: { type: 'string', encrypted: true, minLength: 2, maxLength: 4, pattern: '^[a-z]+$' },
    fixed: { type: 'string', encrypted: true, immutable: true },
    pin: { type: 'string', encrypted: true, writeOnly: true },
  },
  required: ['name'],
  additionalProperties: false,
};
const ADA = {
  name: 'Ada',
  ssn: '123-45-6789',
  diagnosis: 'secret cold',
  salary: '1234.5',
  born: '1815-12-10T01:00:00+01:00',
  profile: { a: [1, 'x'] },
  pin: 'secret pin',
};
const SHOWN = {
  ...{ name: 'Ada', ssn: ADA.ssn, diagnosis: ADA.diagnosis, salary: '1234.50' },
  ...{ born: '1815-12-10T00:00:00Z', profile: ADA.profile },
};

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('person', PERSON);
});

afterAll(() => test?.stop());

const insert = async (record: object = ADA): Promise<{ id: string; [member: string]: unknown }> =>
  (await call('post', '/records/person').send(record).expect(201)).body;
const list = async (query = ''): Promise<Record<string, unknown>[]> =>
  (await call('get', `/records/person?order=id${query}`).expect(200)).body;

/** Everything that the table holds, as text. */
async function stored(): Promise<string> {
  const { rows } = await test.database.admin(`select t::text as row from "${tenant.schemaName}".person as t`);
  return rows.map(({ row }) => row).join('\n');
}

/** What a client gets, headers and all. */
function wire({ status, headers, text }: Response): string {
  return `${status} ${JSON.stringify(headers)} ${text}`;
}

const SECRETS = /123-45|123%2D45|secret|1234\.5|1815-12|MTIzLTQ1/;

describe('are refused', () => {
  it.each([
    ['diagnosis=eq.x', 'diagnosis'],
    ['diagnosis=in.(x)', 'diagnosis'],
    ['ssn=gt.1', 'ssn'],
    ['ssn=like.1*', 'ssn'],
    ['ssn=isdistinct.1', 'ssn'],
    ['ssn=eq(any).{1}', 'ssn'],
    ['ssn=fts.x', 'ssn'],
    ['ssn=cs.{x}', 'ssn'],
    ['or=(ssn.lt.1,name.eq.a)', 'ssn'],
    ['not.and=(ssn.ilike.1,name.eq.a)', 'ssn'],
    ['order=ssn', 'ssn'],
    ['order=diagnosis.desc', 'diagnosis'],
    ['select=ssn::text', 'ssn'],
    ['select=salary::int8', 'salary'],
    ['select=ssn.max()', 'ssn'],
    ['select=salary.sum()', 'salary'],
    ['select=diagnosis.count()', 'diagnosis'],
    ['select=ssn,count()', 'ssn'],
    ['profile->a=eq.1', 'profile'],
    ['profile->>a=eq.1', 'profile'],
    ['select=profile->a', 'profile'],
    ['order=profile->a', 'profile'],
  ])('when %s is asked, and the answer says of which', async (query, name) => {
    await insert();
    const refused = await call('get', `/records/person?${query}`);
    expect(refusal(refused)).toBe('400 request/invalid-query');
    expect(refused.body.detail).toContain(name);
    expect(refusal(await call('delete', `/records/person?${query}`))).toMatch(/^400 /);
    expect(await list()).toHaveLength(1);
  });

  it('when what they say is not valid, without a word of it', async () => {
    const refused = await call('post', '/records/person').send({ ...ADA, code: 'SECRET-CODE', salary: '12345678901.5' });
    expect(refusal(refused)).toBe('422 record/invalid');
    expect(faultsOf(refused).sort()).toEqual(['/code maxLength', '/code pattern', '/salary fidelity']);
    expect(wire(refused)).not.toMatch(/SECRET-CODE|12345678901/);
    for (const [code, rule] of [
      ['x', 'minLength'],
      ['abcde', 'maxLength'],
      ['ab1', 'pattern'],
    ]) {
      expect(faultsOf(await call('post', '/records/person').send({ name: 'x', code }))).toEqual([`/code ${rule}`]);
    }
    const { id } = await insert({ name: 'x', code: 'abcd', fixed: 'one' });
    expect(faultsOf(await call('patch', `/records/person/${id}`).send({ code: '😀😀' }))).toEqual(['/code pattern']);
    expect(faultsOf(await call('patch', `/records/person/${id}`).send({ fixed: 'two' }))).toEqual(['/fixed immutable']);
    await call('patch', `/records/person/${id}`).send({ fixed: 'one', code: 'ab' }).expect(200);
  });

  it('when a unique value is taken, in any way of writing, and the answer does not say it', async () => {
    const { id } = await insert();
    const other = await insert({ name: 'Bob', ssn: '987-65-4321' });
    const refused = [
      await call('post', '/records/person').send({ ...ADA, name: 'Eve' }),
      await call('post', '/records/person').send([
        { name: 'Eve', ssn: '5' },
        { name: 'Eva', ssn: ADA.ssn },
      ]),
      await call('post', '/records/person').send([
        { name: 'Eve', ssn: 'twice 123-45' },
        { name: 'Eva', ssn: 'twice 123-45' },
      ]),
      await call('patch', `/records/person/${other.id}`).send({ ssn: ADA.ssn }),
      await call('put', `/records/person/${other.id}`).send({ name: 'Bob', ssn: ADA.ssn }),
      await call('patch', '/records/person?name=eq.Bob').send({ ssn: ADA.ssn }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 409));
    for (const each of refused) {
      expect(refusal(each)).toBe('409 record/duplicate');
      expect(wire(each)).not.toMatch(SECRETS);
    }
    expect((await list('&select=id,name')).map(({ id: of, name }) => [of, name])).toEqual(
      [
        [id, 'Ada'],
        [other.id, 'Bob'],
      ].sort(),
    );
  });

  it('when a value is neither of its type nor readable, before keys are asked for', async () => {
    const refused = await call('get', '/records/person?salary=eq.secret');
    expect([refusal(refused), wire(refused).includes('secret')]).toEqual(['400 request/invalid-query', false]);
    expect(refusal(await call('get', '/records/person?salary=eq.1e3'))).toBe('400 request/invalid-query');
  });
});

describe('come back', () => {
  it('as they were sent, and are cells in the table', async () => {
    const created = await call('post', '/records/person').send(ADA).expect(201);
    expect(created.body).toMatchObject(SHOWN);
    expect(created.text).not.toContain('pin');
    expect(JSON.stringify(created.headers)).not.toMatch(SECRETS);
    expect((await call('get', `/records/person/${created.body.id}`)).body).toEqual(created.body);
    expect(await list('&select=ssn,diagnosis,name')).toEqual([{ ssn: ADA.ssn, diagnosis: ADA.diagnosis, name: 'Ada' }]);
    expect(await list('&select=number:ssn,salary')).toEqual([{ number: ADA.ssn, salary: '1234.50' }]);
    expect(await stored()).not.toMatch(SECRETS);
    expect(await stored()).toMatch(/\\\\x0201/);
  });

  it('absent where they were absent, and null where they were null', async () => {
    const [absent, none] = [await insert({ name: 'a' }), await insert({ name: 'b', diagnosis: null })];
    expect([Object.keys(absent).includes('diagnosis'), none.diagnosis]).toEqual([false, null]);
    expect(await list('&diagnosis=is.null&select=name')).toEqual([{ name: 'a' }, { name: 'b' }]);
    await insert();
    expect(await list('&diagnosis=not.is.null&select=name')).toEqual([{ name: 'Ada' }]);
  });

  it('in CSV, pages and counts, whose headers do not hold them', async () => {
    await call('post', '/records/person')
      .send([ADA, { name: 'Bob', ssn: 'a,"b"\nc', diagnosis: null }])
      .expect(201);
    const csv = await call('get', '/records/person?select=name,ssn,diagnosis&order=name').set('accept', 'text/csv');
    expect(csv.text).toBe('name,ssn,diagnosis\nAda,123-45-6789,secret cold\nBob,"a,""b""\nc",\n');
    const page = await call('get', `/records/person?ssn=in.(${ADA.ssn},x)&limit=1`).set('prefer', 'count=exact');
    expect([page.status, page.headers['content-range']]).toEqual([200, '0-0/1']);
    const { link = '', ...others } = page.headers;
    expect(JSON.stringify(others)).not.toMatch(SECRETS);
    expect(link).not.toMatch(/secret/);
  });

  it('to those who found them by what they say', async () => {
    const { id } = await insert();
    await insert({ name: 'Bob', ssn: '5', salary: '7' });
    const names = async (query: string) => (await list(`&select=name&${query}`)).map(({ name }) => name).sort();
    expect(await names(`ssn=eq.${ADA.ssn}`)).toEqual(['Ada']);
    expect(await names(`ssn=in.(${ADA.ssn},5,6)`)).toEqual(['Ada', 'Bob']);
    expect(await names('ssn=neq.5')).toEqual(['Ada']);
    expect(await names('ssn=not.in.(5,6)')).toEqual(['Ada']);
    expect(await names('salary=in.(1234.500,8)')).toEqual(['Ada']);
    expect(await names(`or=(ssn.eq.5,and(name.eq.Ada,salary.eq.1234.5))`)).toEqual(['Ada', 'Bob']);
    expect(await names('ssn=eq.')).toEqual([]);
    expect((await call('get', `/records/person?ssn=eq.${ADA.ssn}&select=id`)).body).toEqual([{ id }]);
  });

  it('beside texts that look like cells, which are texts', async () => {
    const looks = ['01', '02', '03', '04'].map((format) => `\\x${format}01${'00000001'}${'ab'.repeat(80)}`);
    for (const name of looks) await insert({ name, ssn: name, diagnosis: name });
    expect(await list('&select=name,ssn,diagnosis')).toEqual(looks.map((name) => ({ name, ssn: name, diagnosis: name })));
    expect(await list(`&select=name&ssn=eq.${encodeURIComponent(looks[2] as string)}`)).toEqual([{ name: looks[2] }]);
  });

  it('broken, in any way that a table can be changed, never: not even as null', async () => {
    const { id } = await insert();
    const { rows } = await test.database.admin(`select "diagnosis~sealed" as cell from "${tenant.schemaName}".person`);
    const cell = rows[0].cell as Buffer;
    // The table itself refuses most of it.
    await test.database.admin(`alter table "${tenant.schemaName}".person drop constraint "person.diagnosis~sealed.cell.check"`);
    const changes = [0, 1, 5, 6, 20, cell.length - 1].map((at) => {
      const copy = Buffer.from(cell);
      copy[at] = (copy[at] as number) ^ 2;
      return copy;
    });
    for (const broken of [...changes, cell.subarray(0, -1), cell.subarray(0, 20), Buffer.alloc(0), Buffer.from('plain')]) {
      await test.database.admin(`update "${tenant.schemaName}".person set "diagnosis~sealed" = $1`, [broken]);
      const read = await call('get', `/records/person/${id}`);
      expect([broken.toString('hex').slice(0, 12), refusal(read)]).toEqual([
        broken.toString('hex').slice(0, 12),
        '500 key/integrity',
      ]);
      expect(wire(read)).not.toMatch(SECRETS);
      expect((await call('get', `/records/person?id=eq.${id}&select=name,ssn`)).status).toBe(200);
    }
  });

  it('from another tenant never, whatever stands in the table', async () => {
    const { id } = await insert();
    const other = await test.tenant();
    await other.define('person', PERSON);
    const theirs = await other.as();
    await theirs('post', '/records/person')
      .send({ ...ADA, id })
      .expect(201);
    const both = `"${tenant.schemaName}".person as a, "${other.schemaName}".person as b`;
    const { rows } = await test.database.admin(
      `select count(*) filter (where substring(a."ssn~sealed", 7, 32) = substring(b."ssn~sealed", 7, 32)) as same from ${both}`,
    );
    expect(rows[0].same).toBe('0');
    await test.database.admin(
      `update "${other.schemaName}".person as b set "ssn~sealed" = a."ssn~sealed" from "${tenant.schemaName}".person as a where a.id = b.id`,
    );
    const read = await theirs('get', `/records/person/${id}`);
    expect([refusal(read), wire(read).match(SECRETS)]).toEqual(['500 key/integrity', null]);
    expect((await theirs('get', '/records/person?select=name,diagnosis')).body).toEqual([
      { name: 'Ada', diagnosis: ADA.diagnosis },
    ]);
    expect((await theirs('get', `/records/person?ssn=eq.${ADA.ssn}`)).body).toEqual([]);
  });
});

describe('are written', () => {
  it('by patches of both kinds and replacements, and what is not named stays', async () => {
    const { id } = await insert();
    const patched = await call('patch', `/records/person/${id}`).send({ diagnosis: null, name: 'Ada L.' }).expect(200);
    expect(patched.body).toMatchObject({ ssn: ADA.ssn, salary: SHOWN.salary, name: 'Ada L.' });
    expect(Object.keys(patched.body)).not.toContain('diagnosis');
    const steps = [
      { op: 'test', path: '/ssn', value: ADA.ssn },
      { op: 'replace', path: '/profile/a/1', value: 'secret y' },
      { op: 'move', from: '/ssn', path: '/diagnosis' },
    ];
    const json = await call('patch', `/records/person/${id}`)
      .set('content-type', 'application/json-patch+json')
      .send(JSON.stringify(steps));
    expect([json.status, json.body]).toMatchObject([200, { diagnosis: ADA.ssn, profile: { a: [1, 'secret y'] } }]);
    expect(Object.keys(json.body)).not.toContain('ssn');
    const failed = await call('patch', `/records/person/${id}`)
      .set('content-type', 'application/json-patch+json')
      .send(JSON.stringify([{ op: 'test', path: '/diagnosis', value: 'other' }]));
    expect([failed.status, wire(failed).match(SECRETS)]).toEqual([failed.status, null]);
    expect(failed.status).toBeGreaterThanOrEqual(400);
    const put = await call('put', `/records/person/${id}`).send({ name: 'Ada', ssn: ADA.ssn }).expect(200);
    expect(Object.keys(put.body).filter((member) => member in SHOWN)).toEqual(['name', 'ssn']);
    expect(await stored()).not.toMatch(SECRETS);
  });

  it('by changes of all that a filter on them finds, and deleted so', async () => {
    await call('post', '/records/person').send([ADA, { name: 'Bob', ssn: '5', salary: '7' }, { name: 'Eve', salary: '7.00' }]);
    const changed = await call('patch', '/records/person?salary=eq.7.0&select=name,salary,diagnosis')
      .set('prefer', 'return=representation')
      .send({ diagnosis: 'secret flu', salary: '8' });
    expect([changed.status, changed.body.length]).toEqual([200, 2]);
    expect(changed.body[0]).toMatchObject({ salary: '8.00', diagnosis: 'secret flu' });
    const deleted = await call('delete', `/records/person?ssn=in.(5,${ADA.ssn})&select=name,ssn`).set(
      'prefer',
      'return=representation',
    );
    expect([deleted.status, deleted.body.map(({ ssn }: { ssn: string }) => ssn).sort()]).toEqual([200, [ADA.ssn, '5'].sort()]);
    expect(await list('&select=name,diagnosis')).toEqual([{ name: 'Eve', diagnosis: 'secret flu' }]);
  });

  it('by upserts of one and of many, by a key of theirs', async () => {
    const { id } = await insert();
    const merged = await call('post', '/records/person?on_conflict=ssn')
      .set('prefer', 'resolution=merge-duplicates,return=representation')
      .send([
        { ssn: ADA.ssn, name: 'Ada K.' },
        { ssn: '5', name: 'Bob' },
      ]);
    expect([merged.status, merged.body.map(({ name }: { name: string }) => name)]).toEqual([201, ['Ada K.', 'Bob']]);
    expect(merged.body[0]).toMatchObject({ ...SHOWN, id, name: 'Ada K.' });
    const ignored = await call('post', '/records/person?on_conflict=ssn')
      .set('prefer', 'resolution=ignore-duplicates,return=representation')
      .send([
        { ssn: ADA.ssn, name: 'Eve' },
        { ssn: '6', name: 'Kim' },
      ]);
    expect(ignored.body.map(({ name }: { name: string }) => name)).toEqual(['Kim']);
    const put = await call('put', `/records/person?ssn=eq.${ADA.ssn}`).send({ ...ADA, name: 'Ada M.' });
    expect([put.status, put.body]).toMatchObject([200, { id, name: 'Ada M.' }]);
    const made = await call('put', '/records/person?ssn=eq.secret').send({ ssn: 'secret', name: 'Lee' });
    expect([made.status, made.body, JSON.stringify(made.headers).match(SECRETS)]).toMatchObject([201, { ssn: 'secret' }, null]);
    expect(refusal(await call('put', '/records/person?ssn=eq.8').send({ ssn: '9', name: 'Lee' }))).toMatch(/^4/);
    const same = await call('post', '/records/person?on_conflict=ssn')
      .set('prefer', 'resolution=merge-duplicates')
      .send([
        { ssn: 'secret 1', name: 'a' },
        { ssn: 'secret 1', name: 'b' },
      ]);
    expect([same.status >= 400, wire(same).match(SECRETS)]).toEqual([true, null]);
  });

  it('10,000 at once, half of them there already', async () => {
    const people = (count: number, step = 1) =>
      Array.from({ length: count }, (_, i) => ({ name: `n${i}`, ssn: `secret ${i * step}`, diagnosis: `d${i}` }));
    await call('post', '/records/person').set('prefer', 'return=minimal').send(people(5_000, 2)).expect(201);
    const upserted = await call('post', '/records/person?on_conflict=ssn&columns=name,ssn')
      .set('prefer', 'resolution=merge-duplicates,return=minimal,count=exact')
      .send(people(10_000).map(({ name, ssn }) => ({ name, ssn })));
    expect([upserted.status, upserted.text]).toEqual([201, '']);
    const counted = await call('get', '/records/person?limit=0').set('prefer', 'count=exact');
    expect(counted.headers['content-range']).toBe('*/10000');
    expect(await list('&select=name,ssn,diagnosis&ssn=in.(secret 9998,secret 9999,secret 20000)')).toEqual(
      [
        { name: 'n9998', ssn: 'secret 9998', diagnosis: 'd4999' },
        { name: 'n9999', ssn: 'secret 9999' },
      ].sort((a, b) => (a.diagnosis ? -1 : b.diagnosis ? 1 : 0)),
    );
    expect(await stored()).not.toMatch(/secret/);
  });

  it('once only, however many write the same value at once and however they spell it', async () => {
    await tenant.define('account', {
      type: 'object',
      properties: { amount: { type: 'string', format: 'decimal', unique: true, encrypted: { searchable: 'equality' } } },
    });
    const spellings = ['1.5', '1.50', '01.5', '001.500', '1.5000000'];
    const tries = Array.from({ length: 50 }, (_, i) => call('post', '/records/account').send({ amount: spellings[i % 5] }));
    const statuses = (await Promise.all(tries)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 201)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(49);
    const upserts = Array.from({ length: 30 }, (_, i) =>
      call('post', '/records/account?on_conflict=amount')
        .set('prefer', 'resolution=merge-duplicates')
        .send([{ amount: ['2.5', '2.50', '02.5'][i % 3] }]),
    );
    const upserted = (await Promise.all(upserts)).map(({ status }) => status);
    expect([upserted.filter((status) => status === 201).length, new Set(upserted)]).toEqual([1, new Set([200, 201])]);
    expect((await call('get', '/records/account?select=id')).body).toHaveLength(2);
  });
});
