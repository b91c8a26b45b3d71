/** Properties that some roles may not read or write: no path shows them, asks by them or tells them by its answer to those, and each does to others. */

import type { Response } from 'supertest';
import { type Call, change } from '../harness/definitions.js';
import { faultsOf, refusal } from '../harness/problem.js';
import { type Method, startTestService, type TestService, type TestTenant } from '../harness/service.js';

jest.setTimeout(120_000);

const CANARY = 'canary-77d0e2';
const WEIGHT = 421_337.5;
const HIDDEN = /canary|421337/;
const NDJSON = 'application/x-ndjson';
const PAST = { softDelete: true, history: 'full' };

/** Neither read nor written by others. */
const CLOSED = { access: { read: ['hr', 'admin'], write: ['hr', 'admin'] } };
const VAULT = {
  ...{ type: 'object', ...PAST, required: ['code'] },
  uniqueKeys: [['note', 'shelf']],
  properties: {
    code: { type: 'string', unique: true },
    note: { type: 'string' },
    pin: { type: 'string', minLength: 4, ...CLOSED },
    keys: { type: 'object', ...CLOSED },
    // Whoever writes records may set it, and not see what it is.
    weight: { type: 'number', access: { read: ['hr', 'admin'] } },
    seal: { type: 'string', immutable: true, access: { read: ['hr', 'admin'] } },
    badge: { type: 'string', unique: true, ...CLOSED },
    shelf: { type: 'string', ...CLOSED },
    owner: { type: 'string', relation: { entity: 'person', field: 'name' }, ...CLOSED },
    // Seen, and not to be changed.
    grade: { type: 'string', access: { write: ['hr', 'admin'] } },
  },
};
const PERSON = { type: 'object', ...PAST, properties: { name: { type: 'string', unique: true } } };
const DOOR = {
  ...{ type: 'object', ...PAST },
  properties: {
    name: { type: 'string' },
    of: { type: 'string', relation: { entity: 'vault', field: 'code', inverse: 'doors' } },
    badge: { type: 'string', relation: { entity: 'vault', field: 'badge', inverse: 'badgeDoors' } },
    lock: { type: 'string', ...CLOSED },
  },
};
const SECRETS = { pin: CANARY, keys: { main: CANARY }, weight: WEIGHT, seal: CANARY, badge: CANARY, shelf: CANARY };
const STORED = { ...SECRETS, owner: `${CANARY} person` };
const KEPT_BACK = 'pin,keys,weight,seal,badge,shelf,owner';

/** Writers of no name in the document, and one that has a name in it. */
const OTHERS = ['viewer', 'editor', 'service', 'auditor', 'desk'] as const;
const WRITERS = ['editor', 'service', 'desk'] as const;

let test: TestService;
let tenant: TestTenant;
let admin: Call;
let hr: Call;
let id: string;
let asked: Record<string, Call>;
const bearers: Record<string, string> = {};

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  await tenant.define('person', PERSON);
  await tenant.define('vault', VAULT);
  await tenant.define('door', DOOR);
  admin = await tenant.as();
  await admin('put', '/roles/hr')
    .send({ inherits: ['editor'] })
    .expect(201);
  await admin('put', '/roles/desk')
    .send({ inherits: ['editor'], permissions: ['history.read', 'deleted.read', 'deleted.restore', 'records.import'] })
    .expect(201);
  hr = await tenant.as('hr');
  asked = Object.fromEntries(await Promise.all(OTHERS.map(async (role) => [role, await tenant.as(role)] as const)));
  for (const role of ['hr', ...OTHERS]) bearers[role] = await test.token([role], tenant.id);
  await admin('post', '/records/person').send({ name: STORED.owner }).expect(201);
  id = (
    await hr('post', '/records/vault')
      .send({ code: 'a', note: 'n', grade: 'A', ...STORED })
      .expect(201)
  ).body.id;
  await hr('post', '/records/door').send({ name: 'front', of: 'a', badge: null, lock: CANARY }).expect(422);
  await hr('post', '/records/door').send({ name: 'front', of: 'a', lock: CANARY }).expect(201);
});

afterAll(() => test.stop());

const as = (role: string): Call => asked[role] as Call;
const rest = (role: string, method: Method, path: string) =>
  test.request(bearers[role] as string, method, `/rest/v1/${path}`).set('prefer', 'return=representation');
const json = (call: Call, path: string, body: object) =>
  call('patch', path).set('content-type', 'application/json-patch+json').send(JSON.stringify(body));
const stored = async (of = id) => {
  const names = Object.keys(STORED).join(', ');
  return (await test.database.admin(`select ${names} from "${tenant.schemaName}".vault where id = $1`, [of])).rows;
};
/** Of any answer, its headers too. */
const said = ({ text, headers }: Response) => HIDDEN.exec(text + decodeURIComponent(JSON.stringify(headers)))?.[0];

const READS = [
  '/records/vault',
  '/records/vault?select=*',
  '/records/vault?select=*,doors(*)',
  '/records/vault?select=code,grade,doors(name)',
  '/records/door?select=*,vault!of(*)',
  '/records/door?select=*,...vault!of(code,note)',
  '/records/door?select=vault!of(*,doors(*,vault!of(*)))',
  '/records/vault?select=code,count()',
  '/exports/vault',
  '/exports/vault?format=csv',
  '/exports/door?format=csv',
];

describe('what roles may not read is in no answer', () => {
  it('but in those of roles that may, or nothing of this would prove anything', async () => {
    expect(await stored()).toEqual([STORED]);
    for (const path of [...READS.filter((each) => !/grade|note|count|door\?format|\.\.\./.test(each)), `/records/vault/${id}`]) {
      const answer = await hr('get', path);
      expect([path, answer.status, said(answer) !== undefined]).toEqual([path, 200, true]);
      expect([path, answer.headers['x-redacted']]).toEqual([path, undefined]);
    }
    expect((await admin('get', `/records/vault/${id}`)).body).toMatchObject(STORED);
  });

  it.each(OTHERS)('to %s: lists, embeds, spreads, groups, exports, single records, CSV and types', async (role) => {
    const call = as(role);
    for (const path of [...READS, `/records/vault/${id}`]) {
      const answer = await call('get', path);
      expect([path, answer.status, said(answer)]).toEqual([path, 200, undefined]);
    }
    for (const accept of ['application/json', 'text/csv', 'application/vnd.pgrst.object+json']) {
      const answer = await rest(role, 'get', 'vault?code=eq.a').set('accept', accept);
      expect([accept, answer.status, said(answer)]).toEqual([accept, 200, undefined]);
      expect([accept, answer.headers['x-redacted']]).toEqual([accept, KEPT_BACK]);
      expect([accept, /"pin"|\bpin,|"weight"/.test(answer.text)]).toEqual([accept, false]);
    }
  });

  it('and what is kept back is told by its name, embedded or not', async () => {
    const told = async (path: string) => (await as('viewer')('get', path)).headers['x-redacted'];
    expect(await told(`/records/vault/${id}`)).toBe(KEPT_BACK);
    expect(await told('/records/vault?limit=0')).toBe(KEPT_BACK);
    expect(await told('/records/vault?select=code')).toBeUndefined();
    expect(await told('/records/vault?select=code,opened:doors(*)')).toBe('opened.lock');
    expect(await told('/records/door?select=name,vault!of(*)')).toBe(
      KEPT_BACK.split(',')
        .map((name) => `vault.${name}`)
        .join(','),
    );
    expect(await told('/records/vault?select=code,...doors(*)')).toBe('lock');
    expect(await told('/exports/vault')).toBe(KEPT_BACK);
    expect(await told('/records/person')).toBeUndefined();
  });

  it.each(OTHERS)('to %s: documents for clients name it as kept back, and offer no filter by it', async (role) => {
    const { body, text } = await as(role)('get', '/openapi.json');
    const schemas = body.components.schemas;
    const schema = schemas.Vault;
    expect([schema['x-redacted'], Object.keys(schema.properties).includes('pin')]).toEqual([KEPT_BACK.split(','), false]);
    expect(text).not.toContain('list.pin');
    for (const name of ['Vault.Input', 'Vault.Patch']) {
      const members = Object.keys(schemas[name]?.properties ?? {});
      expect([name, members.filter((member) => ['pin', 'keys', 'badge', 'grade'].includes(member))]).toEqual([name, []]);
    }
    const types = (await as(role)('get', '/types.ts').expect(200)).text;
    expect(types).not.toMatch(/\bpin\b|\bkeys\b|badgeDoors|"owner"/);
    expect((await hr('get', '/types.ts')).text).toMatch(/\bpin\b/);
  });
});

const QUERIES = [
  'select=pin',
  'select=secret:pin',
  'select=pin::text',
  'select=keys->main',
  'select=secret:keys->>main',
  'select=pin.max()',
  'select=weight.sum()',
  'select=pin.count()',
  'select=code,weight.min()',
  'select=doors(lock)',
  'select=doors(open:lock)',
  'select=doors(lock.max())',
  'select=...doors(lock)',
  'select=owner(name)',
  'select=person!owner(name)',
  'select=person(name)',
  `pin=eq.${CANARY}`,
  'pin=eq.wrong',
  'pin=like.c*',
  'pin=not.is.null',
  `keys->>main=eq.${CANARY}`,
  `keys=cs.{"main":"${CANARY}"}`,
  'weight=gt.1',
  'weight=not.gt.1',
  `or=(code.eq.x,pin.eq.${CANARY})`,
  `not.and=(pin.neq.${CANARY})`,
  `select=*,doors!inner(*)&doors.lock=eq.${CANARY}`,
  `select=*,doors(*)&doors.or=(lock.eq.${CANARY})`,
  'order=pin',
  'order=keys->>main',
  'order=weight.desc.nullslast',
  'select=*,doors(*)&doors.order=lock',
];

describe('what roles may not read is refused', () => {
  it.each(QUERIES)('as a part of %s, on every surface', async (query) => {
    for (const role of ['viewer', 'auditor', 'desk']) {
      const answer = await as(role)('get', `/records/vault?${query}`);
      expect([role, refusal(answer), said(answer)]).toEqual([role, '403 record/field-forbidden', undefined]);
      const compatible = await rest(role, 'get', `vault?${query}`);
      expect([role, compatible.status, compatible.body.code, said(compatible)]).toEqual([role, 403, '42501', undefined]);
    }
    if (!query.includes('doors.')) {
      expect((await hr('get', `/records/vault?${query}`)).status).toBe(200);
    }
  });

  it('in counts of whatever kind, exports and the past', async () => {
    for (const path of [
      `/records/vault?pin=eq.${CANARY}&limit=0`,
      '/exports/vault?select=code,pin',
      `/exports/vault?pin=eq.${CANARY}`,
      `/records/vault?pin=eq.${CANARY}&asOf=${new Date(Date.now() - 1).toISOString()}`,
    ]) {
      for (const count of ['exact', 'planned', 'estimated']) {
        const answer = await as('viewer')('get', path).set('prefer', `count=${count}`);
        expect([path, refusal(answer)]).toEqual([path, '403 record/field-forbidden']);
      }
    }
  });

  it('by way of a relation that leads to it', async () => {
    // The values of `door.badge` are those of the badges that are kept back.
    for (const path of ['/records/door?select=name,badge(code)', '/records/vault?select=code,badgeDoors(name)']) {
      expect([path, (await as('viewer')('get', path)).status]).toEqual([path, 400]);
      expect([path, (await hr('get', path)).status]).toEqual([path, 200]);
    }
    expect((await as('viewer')('get', '/records/person?select=name,vault(code)')).status).toBe(400);
    expect((await hr('get', '/records/person?select=name,vault(code)')).status).toBe(200);
  });

  it('as a key of upserts, puts and imports', async () => {
    const call = as('desk');
    const requests = [
      call('post', '/records/vault?on_conflict=badge')
        .set('prefer', 'resolution=merge-duplicates')
        .send([{ code: 'z' }]),
      call('post', '/records/vault?on_conflict=badge')
        .set('prefer', 'resolution=ignore-duplicates')
        .send([{ code: 'z' }]),
      call('post', '/records/vault?on_conflict=note,shelf')
        .set('prefer', 'resolution=merge-duplicates')
        .send([{ code: 'z' }]),
      call('put', `/records/vault?badge=eq.${CANARY}`).send({ code: 'z' }),
      call('patch', `/records/vault?pin=eq.${CANARY}`).send({ note: 'found' }),
      call('delete', `/records/vault?pin=eq.${CANARY}`),
      call('post', '/imports/vault?on_conflict=badge').set('content-type', NDJSON).send('{"code":"z"}\n'),
    ];
    for (const [index, request] of requests.entries()) {
      const answer = await request;
      expect([index, refusal(answer), said(answer)]).toEqual([index, '403 record/field-forbidden', undefined]);
    }
    expect(await stored()).toEqual([STORED]);
  });

  it('of a cursor that was made by those who may', async () => {
    await hr('post', '/records/vault')
      .send({ code: 'page', pin: `${CANARY}-2` })
      .expect(201);
    const first = await hr('get', '/records/vault?order=pin&limit=1&after=');
    const after = /after=([\w-]+)/.exec(String(first.headers.link))?.[1] as string;
    expect((await hr('get', `/records/vault?order=pin&limit=1&after=${after}`)).status).toBe(200);
    expect(refusal(await as('viewer')('get', `/records/vault?order=pin&limit=1&after=${after}`))).toBe(
      '403 record/field-forbidden',
    );
    expect(refusal(await as('viewer')('get', `/records/vault?limit=1&after=${after}`))).toBe('400 request/invalid-cursor');
  });
});

describe('what roles may not write', () => {
  it.each(WRITERS)('is refused from %s in every way there is to send it, whatever its value is', async (role) => {
    const call = as(role);
    const path = `/records/vault/${id}`;
    const line = (record: object) => `${JSON.stringify(record)}\n`;
    for (const pin of [CANARY, 'wrong', null]) {
      const answers: [string, PromiseLike<Response>][] = [
        ['insert', call('post', '/records/vault').send({ code: 'n', pin })],
        ['insert many', call('post', '/records/vault').send([{ code: 'n' }, { code: 'm', pin }])],
        ['put', call('put', path).send({ code: 'a', pin })],
        ['merge patch', call('patch', path).send({ pin })],
        ['merge within', call('patch', path).send({ keys: { main: pin } })],
        ['json patch', json(call, path, [{ op: 'add', path: '/pin', value: pin }])],
        ['whole json patch', json(call, path, [{ op: 'replace', path: '', value: { code: 'a', pin } }])],
        ['patch of what is found', call('patch', '/records/vault?code=eq.a').send({ pin })],
        ['put by a key', call('put', '/records/vault?code=eq.a').send({ code: 'a', pin })],
        [
          'upsert',
          call('post', '/records/vault?on_conflict=code')
            .set('prefer', 'resolution=merge-duplicates')
            .send([{ code: 'a', pin }]),
        ],
        ['compatible insert', rest(role, 'post', 'vault').send({ code: 'n', pin: pin ?? 'none' })],
        ['compatible patch', rest(role, 'patch', 'vault?code=eq.a').send({ pin })],
      ];
      for (const [what, request] of answers) {
        const answer = await request;
        expect([what, pin, answer.status, said(answer)]).toEqual([what, pin, 403, undefined]);
      }
    }
    const imported = await as('desk')('post', '/imports/vault?onError=skip')
      .set('content-type', NDJSON)
      .send(line({ code: 'n', pin: CANARY }) + line({ code: 'n', grade: 'B' }));
    expect([imported.body.stored, imported.body.failed, said(imported)]).toEqual([0, 2, undefined]);
    expect(await stored()).toEqual([STORED]);
  });

  it('is refused at its place, and nothing of its value is told by the answer', async () => {
    const tell = async (pin: unknown) => {
      const { body } = await as('editor')('patch', `/records/vault/${id}`).send({ pin });
      const { instance: _, ...told } = body;
      return told;
    };
    const answer = await as('editor')('patch', `/records/vault/${id}`).send({ pin: CANARY });
    expect(faultsOf(answer)).toEqual(['/pin access']);
    expect(await tell(CANARY)).toEqual(await tell('wrong'));
    expect(await tell(CANARY)).toEqual(await tell(7));
  });

  it('is no secret where it may be read, and stays as it is', async () => {
    const call = as('editor');
    const path = `/records/vault/${id}`;
    expect(faultsOf(await call('patch', path).send({ grade: 'B' }))).toEqual(['/grade access']);
    expect(faultsOf(await call('patch', path).send({ grade: null }))).toEqual(['/grade access']);
    expect(faultsOf(await json(call, path, [{ op: 'remove', path: '/grade' }]))).toEqual(['/grade access']);
    expect(refusal(await call('patch', '/records/vault?code=eq.a').send({ grade: null }))).toBe('403 record/field-forbidden');
    // What was read is sent back.
    const { body } = await call('get', path);
    expect((await call('put', path).send(body)).body).toMatchObject({ grade: 'A' });
    expect((await call('put', path).send({ code: 'a', note: 'n' })).body).toMatchObject({ grade: 'A' });
    expect(await stored()).toEqual([STORED]);
  });

  it('keeps what writers do not see where they change the rest', async () => {
    for (const role of WRITERS) {
      const call = as(role);
      const path = `/records/vault/${id}`;
      const answers = [
        await call('put', path).send({ code: 'a', note: role }),
        await call('patch', path).send({ note: `${role} 2` }),
        await json(call, path, [{ op: 'replace', path: '/note', value: 'n' }]),
        await call('patch', '/records/vault?code=eq.a').send({ note: 'n' }),
        await call('put', '/records/vault?code=eq.a').send({ code: 'a', note: 'n' }),
        await call('post', '/records/vault?on_conflict=code')
          .set('prefer', 'resolution=merge-duplicates,return=representation')
          .send([{ code: 'a', note: 'n' }]),
        await rest(role, 'post', 'vault?on_conflict=code')
          .set('prefer', 'resolution=merge-duplicates,return=representation')
          .send([{ code: 'a', note: 'n' }]),
        await rest(role, 'patch', 'vault?code=eq.a').send({ note: 'n' }),
        await call('patch', `${path}?select=*,doors(*)`).send({ note: 'n' }),
      ];
      for (const [index, answer] of answers.entries()) {
        expect([role, index, answer.status < 300, said(answer)]).toEqual([role, index, true, undefined]);
        expect([role, index, String(answer.headers['x-redacted']).startsWith('pin,keys')]).toEqual([role, index, true]);
      }
    }
    expect(await stored()).toEqual([STORED]);
  });

  it.each([
    ['tested', [{ op: 'test', path: '/pin', value: CANARY }]],
    ['tested within', [{ op: 'test', path: '/keys/main', value: CANARY }]],
    ['copied to where it shows', [{ op: 'copy', from: '/pin', path: '/note' }]],
    ['moved to where it shows', [{ op: 'move', from: '/pin', path: '/note' }]],
    ['copied into what nobody declared', [{ op: 'copy', from: '/weight', path: '/loot' }]],
  ])('cannot be %s by a JSON patch', async (_, operations) => {
    const path = `/records/vault/${id}`;
    const answer = await json(as('editor'), path, operations);
    expect([answer.status >= 400, said(answer)]).toEqual([true, undefined]);
    const guess = operations.map((operation) => ({ ...operation, ...('value' in operation && { value: 'wrong' }) }));
    const { instance: _one, ...told } = answer.body;
    const { instance: _other, ...guessed } = (await json(as('editor'), path, guess)).body;
    expect(told).toEqual(guessed);
    expect(await stored()).toEqual([STORED]);
  });

  it('may be written without being read, where roles may; and is no more to be compared for it', async () => {
    const call = as('editor');
    const { body } = await call('post', '/records/vault').send({ code: 'blind', weight: 5, seal: 'first' }).expect(201);
    expect([body.weight, body.seal]).toEqual([undefined, undefined]);
    await call('patch', `/records/vault/${body.id}`).send({ weight: 6 }).expect(200);
    // It cannot be changed once it is set: to let the stored value pass would tell it.
    for (const seal of ['first', 'second']) {
      const answer = await call('patch', `/records/vault/${body.id}`).send({ seal });
      expect([seal, refusal(answer), faultsOf(answer)]).toEqual([seal, '422 record/invalid', ['/seal immutable']]);
    }
    expect(await stored(body.id)).toMatchObject([{ weight: 6, seal: 'first' }]);
    await admin('delete', `/records/vault/${body.id}`).expect(204);
  });
});

describe('what roles may not read of the past', () => {
  it('is in no history, and a version in which nothing else changed tells no change', async () => {
    const { body } = await hr('post', '/records/vault').send({ code: 'past', note: 'x', pin: CANARY }).expect(201);
    const path = `/records/vault/${body.id}`;
    await hr('patch', path)
      .send({ pin: `${CANARY}-2`, keys: { new: CANARY } })
      .expect(200);
    await hr('patch', path).send({ note: 'y' }).expect(200);
    const seen = await hr('get', `${path}/history`).expect(200);
    expect(seen.body.items[1].changes).toHaveLength(2);
    for (const role of ['viewer', 'editor', 'auditor', 'desk']) {
      const answer = await as(role)('get', `${path}/history`);
      if (answer.status === 403) continue;
      const changes = answer.body.items.map((item: { changes?: object[] }) => item.changes);
      expect([role, changes]).toEqual([role, [[{ op: 'replace', path: '/note', value: 'y' }], [], undefined]]);
      expect([role, said(answer), answer.headers['x-redacted']]).toEqual([role, undefined, KEPT_BACK]);
    }
    await hr('delete', path).expect(204);
    const call = as('desk');
    const told = [
      await call('get', '/deleted/vault'),
      await call('get', `/deleted/vault/${body.id}`),
      await call('post', `/deleted/vault/${body.id}/restore`).send({ pin: 'other' }),
      await call('post', `/deleted/vault/${body.id}/restore`).send({ note: 'z' }),
      await call('get', `${path}/history`),
    ];
    for (const [index, answer] of told.entries()) {
      expect([index, answer.status, said(answer)]).toEqual([index, index === 2 ? 403 : 200, undefined]);
      if (index !== 2) expect([index, answer.headers['x-redacted']]).toEqual([index, KEPT_BACK]);
    }
    const { rows } = await test.database.admin(`select pin from "${tenant.schemaName}".vault where id = $1`, [body.id]);
    expect(rows).toEqual([{ pin: `${CANARY}-2` }]);
  });

  it('is not read as of an instant', async () => {
    const { body } = await hr('post', '/records/vault').send({ code: 'then', note: 'x', pin: CANARY }).expect(201);
    const instant = (await hr('patch', `/records/vault/${body.id}`).send({ note: 'y' }).expect(200)).body.updated_at;
    await hr('patch', `/records/vault/${body.id}`).send({ note: 'z' }).expect(200);
    for (const path of [`/records/vault?code=eq.then&asOf=${instant}`, `/records/vault/${body.id}?asOf=${instant}`]) {
      const answer = await as('viewer')('get', path);
      expect([path, answer.status, said(answer), answer.headers['x-redacted']]).toEqual([path, 200, undefined, KEPT_BACK]);
      expect([answer.body].flat()[0].note).toBe('y');
      expect(said(await hr('get', path))).toBe('canary');
    }
  });
});

describe('what a document kept back or keeps back', () => {
  const text = { type: 'string' };
  const closed = { ...text, access: { read: ['hr', 'admin'] } };
  const entity = (properties: object) => ({ type: 'object', ...PAST, properties });
  const history = async (call: Call, of: string, record: string) => {
    const answer = await call('get', `/records/${of}/${record}/history`).expect(200);
    return answer.body.items.map((item: { record: Record<string, unknown> }) => item.record.name ?? item.record.title ?? null);
  };
  const then = async (call: Call, of: string, at: string, query = '') => {
    const answer = await call('get', `/records/${of}?asOf=${at}${query}`);
    return answer.status === 200 ? [answer.body[0], answer.headers['x-redacted']] : refusal(answer);
  };

  it('now, it keeps back of former versions too, under whatever name', async () => {
    await tenant.define('later', entity({ name: text, other: text }));
    const { body } = await hr('post', '/records/later').send({ name: CANARY, other: '1' }).expect(201);
    await hr('patch', `/records/later/${body.id}`).send({ other: '1a' }).expect(200);
    await change(admin, 'later', entity({ title: { ...text, renamedFrom: 'name' }, other: text }));
    const at = (await hr('patch', `/records/later/${body.id}`).send({ other: '2' })).body.updated_at;
    await tenant.define('later', entity({ title: { ...closed, renamedFrom: 'name' }, other: text }));
    await hr('patch', `/records/later/${body.id}`).send({ other: '3' }).expect(200);
    expect(await history(hr, 'later', body.id)).toEqual([CANARY, CANARY, CANARY, CANARY]);
    expect(await history(as('desk'), 'later', body.id)).toEqual([null, null, null, null]);
    expect(await then(hr, 'later', at)).toMatchObject([{ title: CANARY, other: '2' }, undefined]);
    const [record, told] = (await then(as('viewer'), 'later', at)) as [object, string];
    expect([record, told]).toEqual([expect.not.objectContaining({ title: CANARY }), 'title']);
    const answer = await as('desk')('get', `/records/later/${body.id}/history`);
    expect([said(answer), answer.headers['x-redacted']]).toEqual([undefined, 'title,name']);
  });

  it('then, it keeps back of what was so then, and not of what is so now', async () => {
    await tenant.define('sooner', entity({ name: closed, other: text }));
    const { body } = await hr('post', '/records/sooner').send({ name: CANARY, other: '1' }).expect(201);
    const at = (await hr('patch', `/records/sooner/${body.id}`).send({ other: '2' })).body.updated_at;
    await tenant.define('sooner', entity({ name: text, other: text }));
    await hr('patch', `/records/sooner/${body.id}`).send({ name: 'open', other: '3' }).expect(200);
    expect(await history(hr, 'sooner', body.id)).toEqual(['open', CANARY, CANARY]);
    // Who could read the record when it was changed may read what it was before.
    expect(await history(as('desk'), 'sooner', body.id)).toEqual(['open', CANARY, null]);
    expect((await as('viewer')('get', `/records/sooner/${body.id}`)).body.name).toBe('open');
    expect(await then(hr, 'sooner', at)).toMatchObject([{ name: CANARY }, undefined]);
    const [record, told] = (await then(as('viewer'), 'sooner', at)) as [object, string];
    expect([record, told]).toEqual([expect.not.objectContaining({ name: CANARY }), 'name']);
    expect(await then(as('viewer'), 'sooner', at, `&name=eq.${CANARY}`)).toBe('403 record/field-forbidden');
    expect(await then(as('viewer'), 'sooner', at, '&order=name')).toBe('403 record/field-forbidden');
  });

  it('as a property, it keeps back of what records held undeclared', async () => {
    await tenant.define('loose', entity({ other: text }));
    const { body } = await hr('post', '/records/loose').send({ name: CANARY, other: '1' }).expect(201);
    const at = body.updated_at;
    await hr('patch', `/records/loose/${body.id}`).send({ other: '2' }).expect(200);
    await change(admin, 'loose', entity({ name: text, other: text }));
    await change(admin, 'loose', entity({ title: { ...closed, renamedFrom: 'name' }, other: text }));
    await hr('patch', `/records/loose/${body.id}`).send({ other: '3' }).expect(200);
    for (const path of [
      `/records/loose?asOf=${at}`,
      `/records/loose/${body.id}/history`,
      `/records/loose/${body.id}?asOf=${at}`,
    ]) {
      const answer = await as('desk')('get', path);
      expect([path, answer.status, said(answer)]).toEqual([path, 200, undefined]);
    }
    expect(said(await hr('get', `/records/loose/${body.id}/history`))).toBe('canary');
  });
});

describe('a repeated answer', () => {
  it('is not given to the same subject in other roles', async () => {
    const send = async (roles: string[]) => {
      const token = await test.issuer.sign({ subject: 'repeats@test', roles, tenantId: tenant.id });
      return test
        .request(token, 'post', `/api/v1/tenants/${tenant.id}/records/vault`)
        .set('idempotency-key', 'field-permissions')
        .send({ code: 'repeated', pin: CANARY });
    };
    expect((await send(['hr'])).body.pin).toBe(CANARY);
    const again = await send(['hr']);
    expect([again.body.pin, again.headers['idempotency-replayed']]).toEqual([CANARY, 'true']);
    for (const roles of [['editor'], ['desk'], ['hr', 'viewer']]) {
      const answer = await send(roles);
      expect([roles, answer.status >= 400, said(answer)]).toEqual([roles, true, undefined]);
    }
  });
});
