/** Encrypted values in the trail: commitments whose salt was thrown away, which nobody opens, and which break nothing that reads them. */

import { BundleVerifier } from '../../src/model/audit/bundle.js';
import { eventually } from '../harness/eventually.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { startWebhookReceiver, type WebhookReceiver } from '../harness/webhook-receiver.js';

jest.setTimeout(60_000);

const PERSON = {
  type: 'object',
  additionalProperties: false,
  required: ['number'],
  softDelete: true,
  history: 'full',
  properties: {
    number: { type: 'integer', unique: true },
    email: { type: 'string', pii: 'email' },
    ssn: { type: ['string', 'null'], unique: true, encrypted: { searchable: 'equality' } },
    scan: { type: 'object', pii: true, encrypted: true },
    diagnosis: { type: 'string', encrypted: true, redact: 'full' },
  },
};
const SEALED = { commitment: expect.stringMatching(/^sha256:[0-9a-f]{64}$/), sealed: true };

interface Side {
  readonly [member: string]: { readonly commitment: string } | undefined;
}

interface Item {
  readonly action: string;
  readonly before: Side;
  readonly after: Side;
}

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;
let receiver: WebhookReceiver;

beforeAll(async () => {
  test = await startTestService({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' });
  receiver = await startWebhookReceiver();
  tenant = await test.tenant();
  await tenant.define('person', PERSON);
  call = await tenant.as();
});

afterAll(async () => {
  await test.stop();
  await receiver.close();
});

let numbers = 0;
const person = () => {
  const number = ++numbers;
  const secrets = { ssn: `secret-${number}`, scan: { page: `secret-${number}` }, diagnosis: `secret-${number}` };
  return { number, email: `ada-${number}@example.com`, ...secrets };
};

async function insert(): Promise<ReturnType<typeof person> & { id: string }> {
  return (await call('post', '/records/person').send(person()).expect(201)).body;
}

/** Oldest first. */
async function trail(recordId: string, role = 'admin'): Promise<Item[]> {
  const { body, text } = await (await tenant.as(role))('get', `/audit?entity=person&recordId=${recordId}`).expect(200);
  expect(text).not.toContain('secret-');
  return body.items.reverse();
}

describe('an encrypted value', () => {
  it.each(['admin', 'auditor'])('is a sealed commitment to a reader who is %s, about a person or not', async (role) => {
    const { id, number } = await insert();
    const [created] = await trail(id, role);
    expect(created).toMatchObject({ after: { number, ssn: SEALED, scan: SEALED, diagnosis: SEALED } });
  });

  it('is told by its commitments to have stayed or to have changed, and to have come or gone', async () => {
    const { id, number } = await insert();
    await call('patch', `/records/person/${id}`).send({ ssn: 'secret-other' }).expect(200);
    await call('put', `/records/person/${id}`).send({ number, ssn: null }).expect(200);
    const [created, changed, gone] = (await trail(id)) as [Item, Item, Item];
    expect(changed.before.diagnosis).toEqual(changed.after.diagnosis);
    expect(changed.before.ssn).not.toEqual(changed.after.ssn);
    expect(changed.before.ssn).not.toEqual(created.after.ssn);
    expect(gone).toMatchObject({ before: { ssn: SEALED, scan: SEALED }, after: { ssn: null } });
    expect(gone.after).not.toHaveProperty('scan');
  });

  it('opens nowhere: beside the trail stands what is personal and not encrypted', async () => {
    const { id } = await insert();
    const { rows } = await test.database.admin('select openings from audit.events where record_id = $1', [id]);
    expect(rows.map(({ openings }) => Object.keys(JSON.parse(openings)))).toEqual([['/after/email']]);
  });

  it('is left as it is by an erasure, which says what it erased of the rest', async () => {
    const { id } = await insert();
    const before = await trail(id);
    const because = { entity: 'person', recordId: id, reason: 'request of the person' };
    expect((await call('post', '/audit/erasures').send(because).expect(200)).body).toMatchObject({ events: 1 });
    const [after] = await trail(id);
    expect(after?.after).toEqual({ ...before[0]?.after, email: { commitment: SEALED.commitment } });
  });
});

it('a webhook is sent the commitments, or the names of what changed', async () => {
  const made = [];
  for (const include of ['full', 'ids']) {
    made.push(
      (
        await call('post', '/webhooks')
          .send({ url: receiver.url, include, events: ['record.updated'] })
          .expect(201)
      ).body,
    );
  }
  const { id } = await insert();
  await call('patch', `/records/person/${id}`).send({ ssn: 'secret-x' }).expect(200);
  const ofRecord = () => receiver.received.map(({ event }) => event.data).filter(({ recordId }) => recordId === id);
  await eventually(() => ofRecord().length >= 2);
  const data = ofRecord();
  expect(data).toContainEqual(expect.objectContaining({ changed: ['ssn'] }));
  const full = {
    before: expect.objectContaining({ ssn: SEALED }),
    after: expect.objectContaining({ ssn: SEALED, scan: SEALED }),
  };
  expect(data).toContainEqual(expect.objectContaining(full));
  expect(receiver.received.map(({ text }) => text).join()).not.toContain('secret-');
  for (const { id: hook } of made) await call('delete', `/webhooks/${hook}`).expect(204);
});

it('the chain verifies, in the service and from a bundle', async () => {
  const { id } = await insert();
  await call('delete', `/records/person/${id}`).expect(204);
  await call('post', `/deleted/person/${id}/restore`).expect(200);
  await eventually(async () => {
    const { rows } = await test.database.admin('select from audit.pending where tenant_id = $1', [tenant.id]);
    return rows.length === 0;
  });
  const { text: verified } = await call('get', '/audit/verify').buffer().expect(200);
  expect(verified).toContain('"valid":true');
  const { body } = await call('get', '/audit/export')
    .buffer()
    .parse((response, done) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => done(null, text));
    })
    .expect(200);
  const bundle = String(body);
  expect(bundle).not.toContain('secret-');
  const verifier = new BundleVerifier([], null);
  for (const line of bundle.trim().split('\n')) verifier.line(line);
  expect(verifier.finish()).toMatchObject({ valid: true });
});
