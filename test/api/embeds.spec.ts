/** Reading through relations, on real data: what is embedded is the tenant's, in the order asked for, and nothing else. */

import { loadChinook } from '../../src/demo/load-chinook.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let call: Awaited<ReturnType<TestTenant['as']>>;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('chinook');
  call = await tenant.as();
  const token = await test.token(['admin'], tenant.id);
  await loadChinook({ baseUrl: test.service.url, tenantId: tenant.id, token, onProgress: () => {} });
}, 120_000);

afterAll(() => test.stop());

async function read(path: string) {
  const answer = await call('get', `/records/${path}`);
  if (answer.status !== 200) throw new Error(`${answer.status} ${answer.text}`);
  return answer.body;
}

const total = async (path: string): Promise<string> =>
  (await call('get', `/records/${path}`).set('prefer', 'count=exact').expect(200)).headers['content-range'] as string;

describe('an embed', () => {
  it.each([
    ['Album?select=Nobody(Name)', '400 request/unknown-relationship', 'Those it has: "Artist!ArtistId", "Track"'],
    ['Album?select=Artist!TrackId(Name)', '400 request/unknown-relationship', 'by the hint "TrackId"'],
    ['Album?select=Genre(Name)', '400 request/unknown-relationship', '"Album" has no relationship "Genre"'],
    ['Album?select=Artist(Nobody)', '400 request/invalid-query', '"Artist" has no property "Nobody"'],
    ['Album?select=Artist(Name', '400 request/invalid-query', 'a comma or the end is expected'],
    ['Album?select=Artist!a!b(Name)', '400 request/invalid-query', 'one hint beside inner or left is enough'],
    ['Album?select=Title,Title:Artist(Name)', '400 request/invalid-query', 'two terms would both be named "Title"'],
    ['Album?select=*,ArtistId(Name)', '400 request/invalid-query', 'the name "ArtistId" is taken'],
    ['Album?select=*,...Artist(*)', '400 request/invalid-query', 'is taken by a property that * selects'],
    ['Artist?select=...Album(Title,Track(Name))', '400 request/invalid-query', 'takes their own properties only'],
    ['Artist?select=Name,Album(Title)&Album.Name=eq.x', '400 request/invalid-query', '"Album" has no property "Name"'],
    ['Artist?select=Name&Album.Title=eq.x', '400 request/invalid-query', 'select Album(…) first'],
    ['Artist?select=Name,Album(Title)&order=Album(Title)', '400 request/invalid-query', 'may be many records'],
    ['Artist?select=Name,Album(Title)&Album.limit=-1', '400 request/invalid-query', '"Album.limit"'],
    ['Artist?select=Name,Album(Title)&Album.limit=1&Album.limit=2', '400 request/invalid-query', 'more than once'],
    ['Artist?select=count(),Album(Title)', '400 request/invalid-query', 'which cannot be many records'],
    [
      `Album?select=${'Artist(Album('.repeat(3)}Title${'))'.repeat(3)}`,
      '400 request/too-complex',
      'may be embedded 5 deep at most',
    ],
    [
      `Album?select=${Array.from({ length: 21 }, (_, i) => `a${i}:Artist(Name)`).join(',')}`,
      '400 request/too-complex',
      'may embed 20 entities at most',
    ],
  ])('refuses %s', async (path, expected, detail) => {
    const answer = await call('get', `/records/${path}`);
    expect([refusal(answer), answer.body.detail]).toEqual([expected, expect.stringContaining(detail)]);
  });

  it('asks which of several is meant, and names the ways to say it', async () => {
    await tenant.define('Lease', {
      type: 'object',
      properties: {
        landlord: { type: 'integer', relation: { entity: 'Customer', field: 'CustomerId', inverse: 'let' } },
        tenant: { type: 'integer', relation: { entity: 'Customer', field: 'CustomerId' } },
        note: { type: 'string' },
      },
    });
    await call('post', '/records/Lease').send({ landlord: 1, tenant: 2, note: 'n' }).expect(201);
    const answer = await call('get', '/records/Lease?select=Customer(LastName)').expect(300);
    expect(answer.body).toMatchObject({
      type: 'urn:bss:problem:request/ambiguous-relationship',
      candidates: [
        { select: 'Customer!landlord', relationship: 'Lease.landlord → Customer.CustomerId', cardinality: 'many-to-one' },
        { select: 'Customer!tenant', relationship: 'Lease.tenant → Customer.CustomerId', cardinality: 'many-to-one' },
      ],
    });
    expect(await read('Lease?select=note,from:Customer!landlord(CustomerId),to:tenant(CustomerId)')).toEqual([
      { note: 'n', from: { CustomerId: 1 }, to: { CustomerId: 2 } },
    ]);
    expect(
      await read('Customer?select=CustomerId,let(note),rented:Lease!tenant(note)&CustomerId=in.(1,2)&order=CustomerId'),
    ).toEqual([
      { CustomerId: 1, let: [{ note: 'n' }], rented: [] },
      { CustomerId: 2, let: [], rented: [{ note: 'n' }] },
    ]);
  });

  it('to one record is that record, or null', async () => {
    expect(await read('Employee?select=LastName,boss:ReportsTo(LastName)&order=EmployeeId&limit=2')).toEqual([
      { LastName: 'Adams', boss: null },
      { LastName: 'Edwards', boss: { LastName: 'Adams' } },
    ]);
    const [album] = await read('Album?select=*,Artist(*)&AlbumId=eq.1');
    expect(album).toMatchObject({ AlbumId: 1, Artist: { ArtistId: 1, Name: 'AC/DC', revision: 1 } });
  });

  it('to many is their array, in the order of their creation unless another is asked for', async () => {
    expect(await read('Artist?select=Name,Album(Title)&ArtistId=in.(1,25)&order=ArtistId')).toEqual([
      { Name: 'AC/DC', Album: [{ Title: 'For Those About To Rock We Salute You' }, { Title: 'Let There Be Rock' }] },
      { Name: 'Milton Nascimento & Bebeto', Album: [] },
    ]);
    expect(
      await read('Artist?select=Albums(Title)&ArtistId=eq.1&Albums.order=Title.desc&Albums.limit=1&Albums.offset=1'),
    ).toEqual([{ Albums: [{ Title: 'For Those About To Rock We Salute You' }] }]);
  });

  it('through an entity that links two is what is linked, from either side', async () => {
    expect(await read('Playlist?select=Name,Track(Name)&PlaylistId=eq.9')).toEqual([
      { Name: 'Music Videos', Track: [{ Name: 'Band Members Discuss Tracks from "Revelations"' }] },
    ]);
    expect(await read('Track?select=Playlist!PlaylistTrack(PlaylistId)&TrackId=eq.3402&Playlist.order=PlaylistId')).toEqual([
      { Playlist: [{ PlaylistId: 1 }, { PlaylistId: 8 }, { PlaylistId: 9 }] },
    ]);
  });

  it('to the entity itself leads up by the property and down by the name', async () => {
    const [chief] = await read(
      'Employee?select=LastName,Employee(LastName,Reports(LastName))&EmployeeId=eq.1' +
        '&Employee.order=LastName&Employee.Reports.order=LastName',
    );
    expect(chief).toEqual({
      LastName: 'Adams',
      Employee: [
        {
          LastName: 'Edwards',
          Reports: [{ LastName: 'Johnson' }, { LastName: 'Park' }, { LastName: 'Peacock' }],
        },
        { LastName: 'Mitchell', Reports: expect.any(Array) },
      ],
    });
  });

  it('is filtered, sorted and cut on every level', async () => {
    const path =
      'Artist?select=Name,Album(Title,Track(Name,Genre(Name)))&ArtistId=eq.2' +
      '&Album.order=Title.desc&Album.Track.limit=2&Album.Track.order=Name.desc&Album.Track.Name=neq.Fast%20As%20a%20Shark';
    expect(await read(path)).toEqual([
      {
        Name: 'Accept',
        Album: [
          {
            Title: 'Restless and Wild',
            Track: [
              { Name: 'Restless and Wild', Genre: { Name: 'Rock' } },
              { Name: 'Princess of the Dawn', Genre: { Name: 'Rock' } },
            ],
          },
          { Title: 'Balls to the Wall', Track: [{ Name: 'Balls to the Wall', Genre: { Name: 'Rock' } }] },
        ],
      },
    ]);
    expect(await read('Artist?select=Album(Title)&ArtistId=eq.1&Album.or=(Title.like.Let*,Title.like.Nothing*)')).toEqual([
      { Album: [{ Title: 'Let There Be Rock' }] },
    ]);
  });

  it('that is inner leaves out whoever has none, in the total as well', async () => {
    expect(await total('Artist?select=Name,Album(Title)&Album.Title=like.*Rock*')).toBe('0-274/275');
    expect(await total('Artist?select=Name,Album!inner(Title)&Album.Title=like.*Rock*')).toBe('0-4/5');
    expect(await total('Artist?select=Name,Album!inner(Track!inner(Name))&Album.Track.Name=eq.Overdose')).toBe('0-0/1');
    expect(await read('Artist?select=Name,Album!inner()&Album.Title=eq.Let There Be Rock')).toEqual([{ Name: 'AC/DC' }]);
  });

  it('can be asked whether there is any', async () => {
    expect(await total('Artist?select=Name,Album()&Album=is.null')).toBe('0-70/71');
    expect(await total('Artist?select=Name,Album()&Album=not.is.null')).toBe('0-203/204');
    expect(await total('Artist?select=Name,Album()&or=(Album.not.is.null,Name.like.A*)')).toBe('0-208/209');
  });

  it('sorts its parents by what the one record holds', async () => {
    expect(await read('Album?select=Title,Artist()&order=Artist(Name).desc,Title&limit=1')).toEqual([
      { Title: 'Ao Vivo [IMPORT]' },
    ]);
  });

  it('spreads its members among those of the parent', async () => {
    expect(await read('Album?select=Title,...Artist(band:Name)&AlbumId=eq.1')).toEqual([
      { Title: 'For Those About To Rock We Salute You', band: 'AC/DC' },
    ]);
    expect(await read('Employee?select=LastName,...ReportsTo(boss:LastName)&EmployeeId=eq.1')).toEqual([
      { LastName: 'Adams', boss: null },
    ]);
    expect(await read('Artist?select=Name,...Album(titles:Title)&ArtistId=eq.1')).toEqual([
      { Name: 'AC/DC', titles: ['For Those About To Rock We Salute You', 'Let There Be Rock'] },
    ]);
  });

  it('shows nothing of another tenant that has the same', async () => {
    const other = await test.tenant();
    await other.define('Artist', {
      type: 'object',
      properties: { ArtistId: { type: 'integer', unique: true }, Name: { type: 'string' } },
    });
    await other.define('Album', {
      type: 'object',
      properties: { Title: { type: 'string' }, ArtistId: { type: 'integer', relation: { entity: 'Artist', field: 'ArtistId' } } },
    });
    const theirs = await other.as();
    await theirs('post', '/records/Artist').send({ ArtistId: 1, Name: 'Nobody' }).expect(201);
    const { body } = await theirs('get', '/records/Artist?select=Name,Album(Title)').expect(200);
    expect(body).toEqual([{ Name: 'Nobody', Album: [] }]);
  });
});

describe('aggregates', () => {
  it('are over all records, or over those of each group', async () => {
    expect(await read('Track?select=count(),Milliseconds.max(),shortest:Milliseconds.min()')).toEqual([
      { count: 3503, max: 5286953, shortest: 1071 },
    ]);
    expect(await read('Invoice?select=BillingCountry,count(),Total.sum()&order=count.desc&limit=2')).toEqual([
      { BillingCountry: 'USA', count: 91, sum: expect.closeTo(523.06) },
      { BillingCountry: 'Canada', count: 56, sum: expect.closeTo(303.96) },
    ]);
    expect(await total('Invoice?select=BillingCountry,count()&limit=3')).toBe('0-2/24');
    expect(await total('Invoice?select=BillingCountry,count()&limit=3&offset=24')).toBe('*/24');
    expect(await read('Track?select=Milliseconds.avg()::integer&AlbumId=eq.1')).toEqual([{ avg: expect.any(Number) }]);
  });

  it('are over what is embedded, and by what is spread', async () => {
    expect(await read('Customer?select=LastName,Invoice(Total.sum(),count())&CustomerId=eq.1')).toEqual([
      { LastName: 'Gonçalves', Invoice: [{ sum: expect.closeTo(39.62), count: 7 }] },
    ]);
    expect(await read('Invoice?select=...Customer(Country),count()&order=count.desc&limit=1')).toEqual([
      { Country: 'USA', count: 91 },
    ]);
  });

  it('of nothing are 0 and null', async () => {
    expect(await read('Track?select=count(),Milliseconds.sum()&Name=eq.')).toEqual([{ count: 0, sum: null }]);
    expect(await read('Track?select=Name,count()&Name=eq.')).toEqual([]);
  });
});

describe('a value that is computed', () => {
  it('does not become what the list is sorted by', async () => {
    const numbers = async (path: string) => (await read(path)).map(({ AlbumId }: { AlbumId: string }) => AlbumId);
    expect(await numbers('Album?select=AlbumId::text&order=AlbumId&limit=3&offset=8')).toEqual(['9', '10', '11']);
    expect(await numbers('Album?select=id,other:id::text,AlbumId::text&order=AlbumId.desc&limit=2')).toEqual(['347', '346']);
  });
});

describe('a total', () => {
  it('is exact, what the planner expects, or exact as far as a page goes', async () => {
    const range = async (path: string, count: string) =>
      (await call('get', `/records/${path}`).set('prefer', `count=${count}`).expect(200)).headers;
    expect(await range('Genre?select=Name', 'estimated')).toMatchObject({
      'content-range': '0-24/25',
      'preference-applied': 'count=estimated',
    });
    expect((await range('Genre?select=Name', 'planned'))['content-range']).toMatch(/^0-24\/\d+$/);
    expect((await range('Track?select=Name&limit=1', 'estimated'))['content-range']).toMatch(/^0-0\/\d+$/);
    expect((await range('Track?select=GenreId,count()', 'planned'))['content-range']).toMatch(/^0-24\/\d+$/);
  });
});

describe('a list', () => {
  it('comes as CSV, or as the one object it is', async () => {
    const csv = await call('get', '/records/Artist?select=id:ArtistId,Name,Album(Title)&ArtistId=in.(1,25)&order=ArtistId').set(
      'accept',
      'text/csv',
    );
    expect(csv.headers['content-type']).toBe('text/csv; charset=utf-8');
    expect(csv.text).toBe(
      'id,Name,Album\n' +
        '1,AC/DC,"[{""Title"":""For Those About To Rock We Salute You""},{""Title"":""Let There Be Rock""}]"\n' +
        '25,Milton Nascimento & Bebeto,[]\n',
    );
    const one = 'application/vnd.pgrst.object+json';
    expect((await call('get', '/records/Artist?select=Name&ArtistId=eq.1').set('accept', one).expect(200)).body).toEqual({
      Name: 'AC/DC',
    });
    expect(refusal(await call('get', '/records/Artist?limit=2').set('accept', one))).toBe('406 record/not-single');
    expect(refusal(await call('get', '/records/Artist?ArtistId=eq.0').set('accept', one))).toBe('406 record/not-single');
    expect(refusal(await call('get', '/records/Artist').set('accept', 'application/xml'))).toBe('406 request/not-acceptable');
  });

  it('answers HEAD with the same headers and no body', async () => {
    const token = await test.token(['viewer'], tenant.id);
    const answer = await fetch(`${test.service.url}/rest/v1/Artist?limit=1`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${token}`, prefer: 'count=exact' },
    });
    expect([answer.status, answer.headers.get('content-range'), await answer.text()]).toEqual([206, '0-0/275', '']);
  });
});
