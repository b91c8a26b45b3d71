/** Relations: foreign keys inside one tenant, to ids and to natural keys, to oneself and to each other, and never to anybody else. */

import { faultsOf, refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
type Call = Awaited<ReturnType<TestTenant['as']>>;
let call: Call;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  call = await tenant.as();
  await tenant.define('artist', entity({ number: { type: 'integer', unique: true }, name: { type: 'string' } }));
});

afterAll(() => test.stop());

function entity(properties: object, rest: object = {}) {
  return { type: 'object', additionalProperties: false, properties, ...rest };
}

const to = (target: string, field?: string, more: object = {}) => ({
  relation: { entity: target, ...(field && { field }), ...more },
});
const artistNumber = (more: object = {}) => ({ type: 'integer', ...to('artist', 'number', more) });
const insert = async (name: string, record: object) => call('post', `/records/${name}`).send(record);

describe('a relation is refused', () => {
  it.each(['theirs', 'SCHEMA.theirs', '"SCHEMA"."theirs"', 'Artist', 'ARTIST', 'artist ', 'pg_class', 'tenant_schemas'])(
    'to %s, which is no entity of this tenant',
    async (spelling) => {
      const other = await test.tenant();
      await other.define('theirs', entity({ number: { type: 'integer', unique: true } }));
      const target = spelling.replace('SCHEMA', other.schemaName);
      const answer = await call('put', '/entities/spy').send(entity({ at: { type: 'integer', ...to(target, 'number') } }));
      expect([answer.status, answer.body.type]).toEqual([422, 'urn:bss:problem:entity/invalid-document']);
      expect(answer.body.errors[0].pointer).toBe('/properties/at/relation/entity');
      const { rows } = await test.database.admin(`
        select c.conname
        from pg_constraint c join pg_class f on f.oid = c.conrelid join pg_class t on t.oid = c.confrelid
        where c.contype = 'f' and f.relnamespace <> t.relnamespace and f.relnamespace::regnamespace::text like 't\\_%'`);
      expect(rows).toEqual([]);
    },
  );

  it.each<[string, object, string]>([
    ['to a member that is not unique', { type: 'string', ...to('artist', 'name') }, '/properties/at/relation/field relation'],
    ['to a member that does not exist', { type: 'string', ...to('artist', 'nome') }, '/properties/at/relation/field relation'],
    ['between different types', { type: 'string', ...to('artist', 'number') }, '/properties/at/relation/field relation'],
    ['from a text to an id', { type: 'string', ...to('artist') }, '/properties/at/relation/field relation'],
    ['from what has no single type', { ...to('artist') }, '/properties/at/relation relation'],
  ])('%s', async (_, property, fault) => {
    const answer = await call('put', '/entities/spy').send(entity({ at: property }));
    expect([refusal(answer), faultsOf(answer)]).toEqual(['422 entity/invalid-document', [fault]]);
  });

  it('when what is required should be emptied', async () => {
    const answer = await call('put', '/entities/spy').send(
      entity({ at: artistNumber({ onDelete: 'setNull' }) }, { required: ['at'] }),
    );
    expect(faultsOf(answer)).toEqual(['/properties/at/relation/onDelete relation']);
  });
});

describe('a relation', () => {
  it('to a natural key refuses a key that nobody has, by its place, on insert, replace and patch', async () => {
    await tenant.define('album', entity({ title: { type: 'string' }, artist: artistNumber() }));
    await insert('artist', { number: 1, name: 'AC/DC' });
    const album = await insert('album', { title: 'Let There Be Rock', artist: 1 });
    expect(album.status).toBe(201);
    for (const answer of [
      await insert('album', { title: 'x', artist: 2 }),
      await call('post', '/records/album').send([{ artist: 1 }, { artist: 2 }]),
      await call('put', `/records/album/${album.body.id}`).send({ artist: 2 }),
      await call('patch', `/records/album/${album.body.id}`).send({ artist: 2 }),
    ]) {
      expect([refusal(answer), faultsOf(answer)]).toEqual(['409 record/reference-missing', ['/artist relation']]);
    }
    expect((await call('get', '/records/album?select=artist')).body).toEqual([{ artist: 1 }]);
  });

  it('keeps what it refers to: neither deleted nor given another key', async () => {
    await tenant.define('song', entity({ artist: artistNumber() }));
    const artist = await insert('artist', { number: 20 });
    const song = await insert('song', { artist: 20 });
    const path = `/records/artist/${artist.body.id}`;
    expect(refusal(await call('delete', path))).toBe('409 record/still-referenced');
    expect(refusal(await call('patch', path).send({ number: 21 }))).toBe('409 record/still-referenced');
    expect((await call('patch', path).send({ name: 'still here' })).status).toBe(200);
    await call('delete', `/records/song/${song.body.id}`);
    expect((await call('delete', path)).status).toBe(204);
  });

  it('to an id takes the id of this tenant’s records and of no other’s', async () => {
    const other = await test.tenant();
    await other.define('artist', entity({ name: { type: 'string' } }));
    const foreign = await (await other.as())('post', '/records/artist').send({ name: 'theirs' });
    await tenant.define('fan', entity({ of: { type: 'string', format: 'uuid', ...to('artist') } }));
    expect(refusal(await insert('fan', { of: foreign.body.id }))).toBe('409 record/reference-missing');
    const own = await insert('artist', { number: 30 });
    expect((await insert('fan', { of: own.body.id })).status).toBe(201);
  });

  it('to oneself: an array may refer to itself in any order, and a record to itself', async () => {
    await tenant.define(
      'person',
      entity({ number: { type: 'integer', unique: true }, boss: { type: ['integer', 'null'], ...to('person', 'number') } }),
    );
    const people = [
      { number: 2, boss: 1 },
      { number: 1, boss: null },
      { number: 3, boss: 3 },
    ];
    expect((await call('post', '/records/person').send(people)).status).toBe(201);
    expect((await call('get', '/records/person?select=number,boss&order=number')).body).toEqual([
      people[1],
      people[0],
      people[2],
    ]);
    expect(refusal(await call('post', '/records/person').send([{ number: 4, boss: 5 }]))).toBe('409 record/reference-missing');
  });

  it('on a new property is an additive change, and two entities come to refer to each other by it', async () => {
    const team = entity({ name: { type: 'string', unique: true } });
    await tenant.define('team', team);
    await tenant.define(
      'player',
      entity({ name: { type: 'string', unique: true }, team: { type: 'string', ...to('team', 'name') } }),
    );
    await insert('team', { name: 'reds' });
    const captain = { type: 'string', ...to('player', 'name', { onDelete: 'setNull' }) };
    const changed = await call('put', '/entities/team').send({ ...team, properties: { ...team.properties, captain } });
    expect([changed.status, changed.body.version]).toEqual([200, 2]);
    expect(refusal(await insert('team', { name: 'blues', captain: 'nobody' }))).toBe('409 record/reference-missing');
    const ada = await insert('player', { name: 'Ada', team: 'reds' });
    expect((await insert('team', { name: 'blues', captain: 'Ada' })).status).toBe(201);
    expect((await call('delete', `/records/player/${ada.body.id}`)).status).toBe(204);
    expect((await call('get', '/records/team?select=name,captain&order=name')).body).toEqual([
      { name: 'blues' },
      { name: 'reds' },
    ]);
  });

  it('that cascades takes the records that refer to it along', async () => {
    await tenant.define('tour', entity({ artist: artistNumber({ onDelete: 'cascade' }) }));
    const artist = await insert('artist', { number: 40 });
    await call('post', '/records/tour').send([{ artist: 40 }, { artist: 40 }, {}]);
    expect((await call('delete', `/records/artist/${artist.body.id}`)).status).toBe(204);
    expect((await call('get', '/records/tour?select=artist')).body).toEqual([{}]);
  });
});
