/** How many rows a tenant may store: measured from time to time, so that a little more gets in, and nothing once it was seen. */

import { eventually } from '../harness/eventually.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

const QUOTA = 100;
const NOTE = { type: 'object', softDelete: true, history: 'full', properties: { title: { type: 'string', unique: true } } };
const NDJSON = 'application/x-ndjson';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService({ TENANT_ROWS: String(QUOTA) });
  tenant = await test.tenant();
  await tenant.define('note', NOTE);
  call = await tenant.as('editor');
});

afterAll(() => test.stop());

const notes = (count: number) => Array.from({ length: count }, (_, n) => ({ title: `note ${n}` }));
const tried = () => call('post', '/records/note').set('prefer', 'tx=rollback').send({});

describe('a tenant that has stored as much as it may', () => {
  beforeAll(async () => {
    // One request is taken or refused as a whole.
    await call('post', '/records/note')
      .send(notes(QUOTA + 50))
      .expect(201);
    await eventually(async () => (await tried()).status === 403);
  });

  it('is refused whatever would add records, and told the limit', async () => {
    const bearer = await test.token(['editor'], tenant.id);
    const refused = await call('post', '/records/note').send({});
    expect([refusal(refused), refused.body.limit]).toEqual(['403 tenant/full', QUOTA]);
    for (const answer of [
      await call('post', '/records/note').send(notes(3)),
      await call('post', '/records/note?on_conflict=title').set('prefer', 'resolution=merge-duplicates').send(notes(3)),
      await call('put', '/records/note?title=eq.new').send({ title: 'new' }),
      await call('post', '/imports/note').set('content-type', NDJSON).send('{}\n'),
      await call('post', '/deleted/note/0190a1b2-0000-7000-8000-000000000001/restore'),
    ]) {
      expect(refusal(answer)).toBe('403 tenant/full');
    }
    const rest = await test.request(bearer, 'post', '/rest/v1/note').send({});
    expect([rest.status, rest.body.code]).toEqual([403, 'tenant/full']);
  });

  it('reads, changes and tries as before, and another tenant is not asked', async () => {
    await call('get', '/records/note').expect(200);
    const [{ id }] = (await call('get', '/records/note?title=eq.note 0').expect(200)).body;
    await call('patch', `/records/note/${id}`).send({ title: 'changed' }).expect(200);
    await call('put', `/records/note/${id}`).send({ title: 'note 0' }).expect(200);
    const dry = await call('post', '/imports/note?dryRun=true').set('content-type', NDJSON).send('{"title":"x"}\n');
    expect([dry.status, dry.body.stored]).toEqual([200, 1]);
    const other = await test.tenant();
    await other.define('note', NOTE);
    await (await other.as('editor'))('post', '/records/note').send({}).expect(201);
  });

  it('has room again once it has deleted some, though they are kept', async () => {
    await call('delete', '/records/note?title=like.note*').expect(204);
    await eventually(async () => (await tried()).status === 201);
    await call('post', '/records/note').send(notes(3)).expect(201);
  });

  it('has room again once it has deleted all, whatever an analysis found before', async () => {
    await call('post', '/records/note')
      .send(notes(QUOTA + 50).map(({ title }) => ({ title: `again ${title}` })))
      .expect(201);
    await eventually(async () => (await tried()).status === 403);
    await test.database.admin(`analyze "${tenant.schemaName}".note`);
    await call('delete', '/records/note?id=not.is.null').expect(204);
    await eventually(async () => (await tried()).status === 201);
  });
});
