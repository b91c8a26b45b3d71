/** What a deletion takes along or empties: every such record has its event and its revision, and a refusal leaves all as it was. */

import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { createSurroundings } from '../harness/surroundings.js';
import { tapWire } from '../harness/wire-tap.js';

type Call = Awaited<ReturnType<TestTenant['as']>>;
type Stored = { readonly id: string; readonly revision: number; readonly [member: string]: unknown };

/** The protocol's message that runs a statement. */
const EXECUTE = 'E';

let test: TestService;
let tenant: TestTenant;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
});

beforeEach(async () => {
  tenant = await test.tenant();
  call = await tenant.as('editor');
});

afterAll(() => test.stop());

function entity(properties: object, rest: object = {}) {
  return { type: 'object', properties: { name: { type: 'string' }, ...properties }, ...rest };
}
const to = (target: string, onDelete: string, field = 'id') => ({ relation: { entity: target, field, onDelete } });
const uuidTo = (target: string, onDelete: string) => ({ type: 'string', format: 'uuid', ...to(target, onDelete) });

async function insert(name: string, record: object): Promise<Stored> {
  return (await call('post', `/records/${name}`).send(record).expect(201)).body;
}
const all = async (name: string): Promise<Stored[]> => (await call('get', `/records/${name}?order=name`).expect(200)).body;
const names = async (name: string) => (await all(name)).map((record) => record.name);
const remove = async (name: string, { id }: Stored) => call('delete', `/records/${name}/${id}`).set('x-request-id', 'removal');

/** The trail of the deletion, oldest first, as `record.deleted album A`; the whole event beside it. */
async function trail(of = tenant) {
  const { rows } = await test.database.admin(
    `select action, entity, record_id, actor, body::json as body
    from audit.events
    where tenant_id = $1 and request_id = 'removal'
    order by event_id`,
    [of.id],
  );
  return rows.map((row) => ({ ...row, line: `${row.action} ${row.entity} ${row.body.before?.name}` }));
}
const lines = async (of = tenant) => (await trail(of)).map(({ line }) => line);

/** Events that are neither sealed nor marked to be, and markers that promise the sealer other events than there are. */
async function unmarked(): Promise<number> {
  const { rows } = await test.database.admin(
    `select e.event_id
    from audit.events e
    where e.tenant_id = $1
      and not exists (
        select from audit.pending p
        where p.tenant_id = e.tenant_id and e.event_id between p.first_event_id and p.last_event_id)
      and not exists (select from audit.chain c where c.tenant_id = e.tenant_id and c.event_id = e.event_id)`,
    [tenant.id],
  );
  const { rows: wrong } = await test.database.admin(
    `select p.first_event_id
    from audit.pending p
    where p.tenant_id = $1
      and p.events <> (
        select count(*) from audit.events e
        where e.tenant_id = p.tenant_id and e.event_id between p.first_event_id and p.last_event_id
          and (p.done_event_id is null or e.event_id > p.done_event_id))`,
    [tenant.id],
  );
  return rows.length + wrong.length;
}

describe('a deletion is refused whole', () => {
  it('when something below a cascade restricts it', async () => {
    await tenant.define('artist', entity({}));
    await tenant.define('fan', entity({ artist: uuidTo('artist', 'setNull') }));
    await tenant.define('album', entity({ artist: uuidTo('artist', 'cascade') }));
    await tenant.define('sale', entity({ album: uuidTo('album', 'restrict') }));
    const artist = await insert('artist', { name: 'AC/DC' });
    await insert('fan', { name: 'Ada', artist: artist.id });
    const album = await insert('album', { name: 'A', artist: artist.id });
    const sale = await insert('sale', { name: 'S', album: album.id });
    const before = [await all('artist'), await all('fan'), await all('album'), await all('sale')];
    expect(refusal(await remove('artist', artist))).toBe('409 record/still-referenced');
    expect([await all('artist'), await all('fan'), await all('album'), await all('sale')]).toEqual(before);
    expect(await trail()).toEqual([]);
    await call('delete', `/records/sale/${sale.id}`).expect(204);
    expect((await remove('artist', artist)).status).toBe(204);
  });

  it('when more than 10,000 records go or change with it, and says so', async () => {
    await tenant.define('artist', entity({}));
    await tenant.define('album', entity({ artist: uuidTo('artist', 'cascade') }));
    await tenant.define('fan', entity({ artist: uuidTo('artist', 'setNull') }));
    const artist = await insert('artist', { name: 'AC/DC' });
    const albums = Array.from({ length: 9_999 }, (_, i) => ({ name: `album ${i}`, artist: artist.id }));
    await call('post', '/records/album').send(albums).expect(201);
    const fan = await insert('fan', { name: 'Ada', artist: artist.id });
    const refused = await remove('artist', artist);
    expect([refusal(refused), refused.body.limit]).toEqual(['409 record/still-referenced', 10_000]);
    expect(refused.body.detail).toContain('More than 10000 records');
    expect(await trail()).toEqual([]);
    expect(await all('fan')).toEqual([fan]);
    await call('delete', `/records/fan/${fan.id}`).expect(204);
    expect((await remove('artist', artist)).status).toBe(204);
    expect((await trail()).length).toBe(10_000);
    expect((await all('album')).length).toBe(0);
    expect(await unmarked()).toBe(0);
  });

  it('by a precondition that fails, before anything is looked for', async () => {
    await tenant.define('artist', entity({}));
    await tenant.define('album', entity({ artist: uuidTo('artist', 'cascade') }));
    const artist = await insert('artist', { name: 'AC/DC' });
    await insert('album', { name: 'A', artist: artist.id });
    const answer = await call('delete', `/records/artist/${artist.id}`).set('if-match', '"7"');
    expect(refusal(answer)).toBe('412 record/precondition-failed');
    expect(await names('album')).toEqual(['A']);
  });
});

describe('a deletion', () => {
  it('that cascades over two levels has an event for each record, before it was deleted, by whom', async () => {
    await tenant.define('artist', entity({}));
    await tenant.define('album', entity({ artist: uuidTo('artist', 'cascade'), pin: { type: 'string', writeOnly: true } }));
    await tenant.define('track', entity({ album: uuidTo('album', 'cascade') }));
    const artist = await insert('artist', { name: 'AC/DC' });
    const other = await insert('artist', { name: 'Accept' });
    const [a, b, c] = [
      await insert('album', { name: 'A', artist: artist.id, pin: '1234', 'un"declared': [1, null] }),
      await insert('album', { name: 'B', artist: artist.id }),
      await insert('album', { name: 'C', artist: other.id }),
    ];
    const track = await insert('track', { name: 'A1', album: a.id });
    await insert('track', { name: 'A2', album: a.id });
    await insert('track', { name: 'B1', album: b.id });
    const kept = await insert('track', { name: 'C1', album: c.id });
    expect((await remove('artist', artist)).status).toBe(204);
    expect([await names('artist'), await names('album'), await all('track')]).toEqual([['Accept'], ['C'], [kept]]);
    const events = await trail();
    expect(events.map(({ line }) => line).slice(-1)).toEqual(['record.deleted artist AC/DC']);
    expect(events.map(({ line }) => line).sort()).toEqual([
      'record.deleted album A',
      'record.deleted album B',
      'record.deleted artist AC/DC',
      'record.deleted track A1',
      'record.deleted track A2',
      'record.deleted track B1',
    ]);
    expect(new Set(events.map(({ actor }) => actor))).toEqual(new Set(['editor@test']));
    expect(events.find(({ record_id }) => record_id === track.id)?.body).toEqual({ before: { name: 'A1', album: a.id } });
    expect(events.find(({ record_id }) => record_id === a.id)?.body).toEqual({
      before: { name: 'A', artist: artist.id, 'un"declared': [1, null] },
    });
    expect(await unmarked()).toBe(0);
  });

  it('that empties bumps the revision, and says before and after; absent when optional, null when required', async () => {
    await tenant.define('artist', entity({}));
    const nullable = { ...uuidTo('artist', 'setNull'), type: ['string', 'null'] };
    const more = { by: { ...nullable, immutable: true }, of: nullable, also: uuidTo('artist', 'setNull') };
    await tenant.define('song', entity(more, { required: ['of'] }));
    const artist = await insert('artist', { name: 'AC/DC' });
    const other = await insert('artist', { name: 'Accept' });
    const admin = await tenant.as();
    const song = (
      await admin('post', '/records/song').send({ name: 'one', by: artist.id, of: artist.id, also: other.id, 'ex"tra': 1 })
    ).body;
    const second = await insert('song', { name: 'two', of: other.id, also: artist.id });
    const third = await insert('song', { name: 'three', by: null, of: other.id });
    const { headers } = await call('get', `/records/song/${song.id}`);
    expect((await remove('artist', artist)).status).toBe(204);

    const read = await call('get', `/records/song/${song.id}`).set('if-none-match', String(headers.etag));
    expect([read.status, read.headers.etag]).toEqual([200, '"2"']);
    const { created_at, created_by } = song;
    const content = { name: 'one', of: null, also: other.id, 'ex"tra': 1 };
    expect(read.body).toEqual({
      ...{ id: song.id, revision: 2, created_at, created_by, updated_at: expect.any(String), updated_by: 'editor@test' },
      ...content,
    });
    expect(Date.parse(read.body.updated_at)).toBeGreaterThan(Date.parse(song.updated_at));
    const stored = await all('song');
    expect(stored.find(({ id }) => id === second.id)).toMatchObject({ revision: 2, of: other.id });
    expect(stored.find(({ id }) => id === second.id)).not.toHaveProperty('also');
    expect(stored.find(({ id }) => id === third.id)).toEqual(third);
    const events = await trail();
    expect(events.map(({ line }) => line).sort()).toEqual([
      'record.deleted artist AC/DC',
      'record.updated song one',
      'record.updated song two',
    ]);
    expect(events.find(({ record_id }) => record_id === song.id)?.body).toEqual({
      before: { name: 'one', by: artist.id, of: artist.id, also: other.id, 'ex"tra': 1 },
      after: content,
    });
    expect(await unmarked()).toBe(0);
  });

  it('that reaches one record by both ways deletes it once, and empties what is left', async () => {
    await tenant.define('artist', entity({}));
    await tenant.define('album', entity({ artist: uuidTo('artist', 'cascade') }));
    await tenant.define('track', entity({ artist: uuidTo('artist', 'setNull'), album: uuidTo('album', 'cascade') }));
    const artist = await insert('artist', { name: 'AC/DC' });
    const album = await insert('album', { name: 'A', artist: artist.id });
    await insert('track', { name: 'both', artist: artist.id, album: album.id });
    await insert('track', { name: 'single', artist: artist.id });
    expect((await remove('artist', artist)).status).toBe(204);
    expect((await all('track')).map(({ name, artist: of, revision }) => [name, of, revision])).toEqual([
      ['single', undefined, 2],
    ]);
    expect((await lines()).sort()).toEqual([
      'record.deleted album A',
      'record.deleted artist AC/DC',
      'record.deleted track both',
      'record.updated track single',
    ]);
  });

  it('takes a whole tree along, and a record that is its own parent', async () => {
    await tenant.define('node', entity({ parent: uuidTo('node', 'cascade') }));
    const root = await insert('node', { name: 'root' });
    await call('patch', `/records/node/${root.id}`).send({ parent: root.id }).expect(200);
    const child = await insert('node', { name: 'child', parent: root.id });
    await insert('node', { name: 'sibling', parent: root.id });
    await insert('node', { name: 'grandchild', parent: child.id });
    await insert('node', { name: 'alone' });
    expect((await remove('node', root)).status).toBe(204);
    expect(await names('node')).toEqual(['alone']);
    const events = await lines();
    expect(events.at(-1)).toBe('record.deleted node root');
    expect(events.map((line) => line.split(' ').at(-1)).sort()).toEqual(['child', 'grandchild', 'root', 'sibling']);
  });

  it('goes around a cycle once, of one entity and of two', async () => {
    await tenant.define('ring', entity({ next: uuidTo('ring', 'cascade') }));
    const a = await insert('ring', { name: 'a' });
    const b = await insert('ring', { name: 'b', next: a.id });
    await call('patch', `/records/ring/${a.id}`).send({ next: b.id }).expect(200);
    expect((await remove('ring', a)).status).toBe(204);
    expect([await names('ring'), (await lines()).length]).toEqual([[], 2]);

    await tenant.define('team', entity({}));
    await tenant.define('player', entity({ team: uuidTo('team', 'cascade') }));
    await tenant.define('team', entity({ captain: uuidTo('player', 'cascade') }));
    const team = await insert('team', { name: 'reds' });
    const ada = await insert('player', { name: 'Ada', team: team.id });
    await insert('player', { name: 'Bob', team: team.id });
    await call('patch', `/records/team/${team.id}`).send({ captain: ada.id }).expect(200);
    expect((await remove('player', ada)).status).toBe(204);
    expect([await names('team'), await names('player')]).toEqual([[], []]);
    expect((await lines()).slice(2).sort()).toEqual([
      'record.deleted player Ada',
      'record.deleted player Bob',
      'record.deleted team reds',
    ]);
    expect(await unmarked()).toBe(0);
  });

  it('is not refused by what restricts it and goes along', async () => {
    await tenant.define('team', entity({}));
    await tenant.define('player', entity({ team: uuidTo('team', 'cascade') }));
    await tenant.define('team', entity({ captain: uuidTo('player', 'restrict') }));
    const team = await insert('team', { name: 'reds' });
    const ada = await insert('player', { name: 'Ada', team: team.id });
    await call('patch', `/records/team/${team.id}`).send({ captain: ada.id }).expect(200);
    expect((await remove('team', team)).status).toBe(204);
    expect(await lines()).toEqual(['record.deleted player Ada', 'record.deleted team reds']);
  });

  it.each<[string, object, unknown[]]>([
    ['texts', { type: 'string' }, ['a,"b\\', 'NULL', '{}']],
    ['integers', { type: 'integer' }, [9_007_199_254_740_991, 0, -1]],
    ['numbers', { type: 'number' }, [0.1, 1e-7, 12]],
    ['decimals', { type: 'string', format: 'decimal', precision: 20, scale: 4 }, ['1.0050', '12345678901234.5678', '0.0000']],
    [
      'times',
      { type: 'string', format: 'date-time' },
      ['2024-02-29T12:00:00.123456Z', '0001-01-01T00:00:00Z', '2024-01-01T00:00:00Z'],
    ],
  ])('follows natural keys that are %s, and nobody’s absent key', async (_, type, [first, second, third]) => {
    await tenant.define('artist', entity({ key: { ...type, unique: true } }));
    await tenant.define('album', entity({ artist: { ...type, ...to('artist', 'cascade', 'key') } }));
    await tenant.define('fan', entity({ artist: { ...type, ...to('artist', 'setNull', 'key') } }));
    const [one, , none] = [
      await insert('artist', { name: '1', key: first }),
      await insert('artist', { name: '2', key: second }),
      await insert('artist', { name: '3' }),
    ];
    await insert('artist', { name: '4', key: third });
    for (const name of ['album', 'fan']) {
      await insert(name, { name: 'of 1', artist: first });
      await insert(name, { name: 'of 2', artist: second });
      await insert(name, { name: 'of nobody' });
    }
    expect((await remove('artist', none)).status).toBe(204);
    expect(await lines()).toEqual(['record.deleted artist 3']);
    expect((await remove('artist', one)).status).toBe(204);
    expect(await names('album')).toEqual(['of 2', 'of nobody']);
    expect((await all('fan')).map(({ name, revision }) => [name, revision])).toEqual([
      ['of 1', 2],
      ['of 2', 1],
      ['of nobody', 1],
    ]);
    expect((await lines()).slice(1).sort()).toEqual([
      'record.deleted album of 1',
      'record.deleted artist 1',
      'record.updated fan of 1',
    ]);
  });

  it('touches nothing of another tenant, whose entities and ids are the same', async () => {
    const other = await test.tenant();
    const theirs = await other.as();
    const id = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
    for (const each of [tenant, other]) {
      await each.define('artist', entity({}));
      await each.define('album', entity({ artist: uuidTo('artist', 'cascade') }));
      await each.define('fan', entity({ artist: uuidTo('artist', 'setNull') }));
      const admin = await each.as();
      await admin('post', '/records/artist').send({ id, name: 'AC/DC' }).expect(201);
      for (const name of ['album', 'fan']) await admin('post', `/records/${name}`).send({ name: 'x', artist: id }).expect(201);
    }
    const kept = async () =>
      Promise.all(['artist', 'album', 'fan'].map(async (name) => (await theirs('get', `/records/${name}`)).body));
    const before = await kept();
    expect((await call('delete', `/records/artist/${id}`).set('x-request-id', 'removal')).status).toBe(204);
    expect([(await lines()).length, await names('album')]).toEqual([3, []]);
    expect(await kept()).toEqual(before);
    expect(await lines(other)).toEqual([]);
  });

  it('waits for a child that is just being added, and takes it along', async () => {
    await tenant.define('artist', entity({}));
    await tenant.define('album', entity({ artist: uuidTo('artist', 'cascade') }));
    const artist = await insert('artist', { name: 'AC/DC' });
    const adding = Array.from({ length: 8 }, async (_, i) =>
      call('post', '/records/album').send({ name: `${i}`, artist: artist.id }),
    );
    const [removed, ...added] = await Promise.all([remove('artist', artist), ...adding]);
    expect(removed?.status).toBe(204);
    const stored = added.filter(({ status }) => status === 201).length;
    expect([await names('album'), (await lines()).length]).toEqual([[], stored + 1]);
  });
});

it('a deletion that no relation acts on costs what it always did', async () => {
  const surroundings = await createSurroundings();
  const tap = await tapWire(surroundings.database.runtimeUrl);
  const tapped = await startTestService({ DATABASE_URL: tap.url }, surroundings);
  try {
    tenant = await tapped.tenant();
    call = await tenant.as();
    for (const name of ['alone', 'restricted', 'cascading']) await tenant.define(name, entity({}));
    await tenant.define('referring', entity({ a: uuidTo('restricted', 'restrict'), b: uuidTo('cascading', 'cascade') }));
    const sent = async (name: string): Promise<number> => {
      const record = await insert(name, { name });
      tap.messages.length = 0;
      expect((await remove(name, record)).status).toBe(204);
      return tap.messages.filter(({ type }) => type === EXECUTE).length;
    };
    // Begin, enter, lock, delete, commit.
    expect([await sent('alone'), await sent('restricted'), await sent('cascading')]).toEqual([5, 5, 6]);
  } finally {
    await tapped.stop();
    await tap.stop();
  }
});
