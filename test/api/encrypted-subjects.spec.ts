import { readPublicKeys } from '../../src/model/audit/signing-key.js';
import { verifiedSubjectReceipt } from '../../src/model/audit/subject-receipt.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;

const PATH = '/keys/subjects/shred';

const VISIT = {
  type: 'object',
  subject: 'patient',
  properties: {
    patient: { type: 'string' },
    findings: { type: 'string', encrypted: true },
    ssn: { type: 'string', encrypted: { searchable: 'equality' } },
  },
  required: ['patient'],
  softDelete: true,
  history: 'full',
};

beforeAll(async () => {
  test = await startTestService({ AUDIT_SIGNING_KEY: Buffer.alloc(32, 5).toString('base64') });
  tenant = await test.tenant();
  await tenant.define('visit', VISIT);
});

afterAll(() => test?.stop());

it('each has a key of its own, which is made when somebody is written of for the first time', async () => {
  const call = await tenant.as();
  const many = Array.from({ length: 200 }, (_, i) => ({ patient: `p${i}`, findings: `f${i}`, ssn: `s${i}` }));
  const created = await call('post', '/records/visit').send(many);
  expect([created.status, created.body.length, created.body[7].findings]).toEqual([201, 200, 'f7']);
  const other = await test.another();
  try {
    const listed = await call('get', '/records/visit?select=patient,findings&order=id&limit=300');
    expect(listed.body.map((each: { findings: string }) => each.findings)).toEqual(many.map(({ findings }) => findings));
    const found = await call('get', '/records/visit?ssn=eq.s9&select=findings');
    expect(found.body).toEqual([{ findings: 'f9' }]);
  } finally {
    await other.stop();
  }
});

describe('somebody who is forgotten', () => {
  it('takes a confirmation, and is nobody to another tenant or another role', async () => {
    const call = await tenant.as();
    await call('post', '/records/visit').send({ patient: 'kept', findings: 'all well', ssn: 'k-1' });
    expect((await call('post', PATH).send({ subject: 'kept' })).status).toBe(422);
    expect((await call('post', PATH).send({ subject: 'nobody', confirm: 'nobody' })).body.type).toBe(
      'urn:bss:problem:key/no-subject',
    );
    for (const role of ['editor', 'viewer', 'auditor', 'service']) {
      const other = await tenant.as(role);
      expect((await other('post', PATH).send({ subject: 'kept', confirm: 'kept' })).status).toBe(403);
    }
    const stranger = await (await test.tenant()).as();
    expect((await stranger('post', PATH).send({ subject: 'kept', confirm: 'kept' })).status).toBe(404);
    const planned = await call('post', PATH).send({ subject: 'kept', dryRun: true });
    expect(planned.body).toEqual({ dryRun: true, cells: 2 });
    expect((await call('get', '/records/visit?patient=eq.kept&select=findings')).body).toEqual([{ findings: 'all well' }]);
  });

  it('is read and found by nobody any more, on no instance, now or in the past, and others are', async () => {
    const call = await tenant.as();
    const other = await test.another();
    try {
      const records = [
        { patient: 'eve', findings: 'first', ssn: 'e-1' },
        { patient: 'eve', findings: 'second', ssn: 'e-2' },
        { patient: 'bob', findings: 'other', ssn: 'b-1' },
      ];
      const key = { 'idempotency-key': 'visit-of-eve' };
      const created = await call('post', '/records/visit').set(key).send(records);
      const [one, two, bob] = created.body as { id: string }[] as [{ id: string }, { id: string }, { id: string }];
      await call('patch', `/records/visit/${one.id}`).send({ findings: 'changed' });
      await call('delete', `/records/visit/${two.id}`);
      const bearer = await test.token(['admin'], tenant.id);
      const elsewhere = async (path: string) => {
        const answer = await fetch(`${other.url}/api/v1/tenants/${tenant.id}${path}`, {
          headers: { authorization: `Bearer ${bearer}` },
        });
        return answer.json();
      };
      expect(await elsewhere(`/records/visit/${one.id}`)).toMatchObject({ findings: 'changed', ssn: 'e-1' });

      const shredded = await call('post', PATH).send({ subject: 'eve', confirm: 'eve' });
      expect([shredded.status, shredded.body]).toMatchObject([200, { receipt: { tenant: tenant.id } }]);
      const signers = await (await fetch(`${other.url}/api/v1/audit/keys`)).text();
      expect(verifiedSubjectReceipt(shredded.body.jws, readPublicKeys(signers))).toEqual(shredded.body.receipt);

      const read = await call('get', `/records/visit/${one.id}`);
      expect([read.status, read.body.patient, 'findings' in read.body, 'ssn' in read.body]).toEqual([200, 'eve', false, false]);
      await eventually(async () => !('findings' in (await elsewhere(`/records/visit/${one.id}`))));
      expect((await call('get', '/records/visit?ssn=in.(e-1,e-2)&select=id')).body).toEqual([]);
      expect((await call('get', '/records/visit?ssn=eq.b-1&select=findings')).body).toEqual([{ findings: 'other' }]);
      for (const path of [`/records/visit/${one.id}/history`, `/deleted/visit`]) {
        const { text, status } = await call('get', path);
        expect([status, /first|second|changed|e-1|e-2/.test(text)]).toEqual([200, false]);
      }
      const again = await call('post', '/records/visit').set(key).send(records);
      expect([again.status, again.body.type]).toEqual([410, 'urn:bss:problem:key/destroyed']);
      expect((await call('get', `/records/visit/${bob.id}`)).body).toMatchObject({ findings: 'other' });
      expect((await call('get', '/audit/verify')).body).toMatchObject({ valid: true });
      const trail = await call('get', '/audit?action=keys.subject-destroyed');
      expect([trail.text.includes(shredded.body.receipt.keyId), trail.text.includes('eve')]).toEqual([true, false]);

      const anew = await call('patch', `/records/visit/${one.id}`).send({ findings: 'asked again' });
      expect([anew.status, anew.body.findings]).toEqual([200, 'asked again']);
      expect(await elsewhere(`/records/visit/${one.id}`)).toMatchObject({ findings: 'asked again' });
    } finally {
      await other.stop();
    }
  });

  it('is one and the same however they are spelt when records are sent', async () => {
    const other = await test.tenant();
    await other.define('visit', { ...VISIT, properties: { ...VISIT.properties, patient: { type: 'string', format: 'uuid' } } });
    const call = await other.as();
    const patient = '0197c3f0-7d5a-7e52-8f4a-3a2b1c0d9e8f';
    await call('post', '/records/visit').send([
      { patient, findings: 'one' },
      { patient: patient.toUpperCase(), findings: 'two' },
    ]);
    expect((await call('post', PATH).send({ subject: patient, dryRun: true })).body).toEqual({ dryRun: true, cells: 2 });
    await call('post', PATH).send({ subject: patient, confirm: patient });
    expect((await call('get', '/records/visit?select=patient,findings')).body).toEqual([{ patient }, { patient }]);
  });

  it('leaves no cell of theirs behind, and gets a receipt', async () => {
    const call = await tenant.as();
    const created = await call('post', '/records/visit').send({ patient: 'zoe', findings: 'held', ssn: 'z-1' });
    const table = `${tenant.schemaName}.visit`;
    const held = await test.database.admin(`select "findings~sealed" is null as gone from ${table} where patient = 'zoe'`);
    expect(held.rows).toEqual([{ gone: false }]);
    const shredded = await call('post', PATH).send({ subject: 'zoe', confirm: 'zoe' });
    expect([shredded.status, typeof shredded.body.jws]).toEqual([200, 'string']);
    const after = await test.database.admin(`select "findings~sealed" is null as gone from ${table} where patient = 'zoe'`);
    expect([after.rows, created.status]).toEqual([[{ gone: true }], 201]);
  });

  it('leaves records that are valid without their values: they can be changed, and none of them may be required', async () => {
    const call = await tenant.as();
    const created = await call('post', '/records/visit').send({ patient: 'tom', findings: 'x', ssn: 't-1' });
    await call('post', PATH).send({ subject: 'tom', confirm: 'tom' });
    const changed = await call('patch', `/records/visit/${created.body.id}`).send({ patient: 'tim' });
    expect([changed.status, changed.body.patient]).toEqual([200, 'tim']);
    const refused = await call('put', '/entities/stay').send({ ...VISIT, required: ['patient', 'findings'] });
    expect([refused.status, refused.body.errors[0].pointer]).toEqual([422, '/properties/findings']);
  });

  it('is not answered with an error where others write while keys are read anew', async () => {
    const call = await tenant.as();
    const sent = Array.from({ length: 60 }, async (_, index) => {
      if (index % 6 === 5) test.service.directory.forget(tenant.id);
      return (await call('post', '/records/visit').send({ patient: `w${index % 7}`, findings: 'f', ssn: `w-${index}` })).status;
    });
    expect(new Set(await Promise.all(sent))).toEqual(new Set([201]));
    expect((await call('get', '/records/visit?findings=is.not_null&patient=like.w*&select=id')).body).toHaveLength(60);
  });
});
