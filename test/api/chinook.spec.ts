/** Real data: all of Chinook through the public API, every value of it back unchanged, its relations alive. */

import { type ExampleEntity, type LoadResult, loadChinook, readChinook } from '../../src/demo/load-chinook.js';
import type { JsonObject } from '../../src/platform/json-value.js';
import { refusal } from '../harness/problem.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';

let test: TestService;
let tenant: TestTenant;
let token: string;
let call: Awaited<ReturnType<TestTenant['as']>>;
let entities: readonly ExampleEntity[];
let loaded: LoadResult;
const progress: [done: number, total: number, entity: string][] = [];

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant('chinook');
  token = await test.token(['admin'], tenant.id);
  call = await tenant.as();
  entities = await readChinook();
  loaded = await load((...step) => progress.push(step));
}, 60_000);

afterAll(() => test.stop());

const load = (onProgress: (done: number, total: number, entity: string) => void) =>
  loadChinook({ baseUrl: test.service.url, tenantId: tenant.id, token, onProgress });

const SYSTEM = new Set(['id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision']);

async function everyRecord(name: string): Promise<JsonObject[]> {
  const records: JsonObject[] = [];
  for (;;) {
    const { body } = await call('get', `/records/${name}?order=id&limit=1000&offset=${records.length}`).expect(200);
    records.push(...body);
    if (body.length < 1_000) return records;
  }
}

const idOf = async (name: string, filter: string): Promise<string> =>
  (await call('get', `/records/${name}?select=id&${filter}`)).body[0].id;

describe('Chinook', () => {
  it('is loaded whole, quickly, and tells how far it is', async () => {
    expect(loaded).toEqual({ entities: 11, records: 15_607, seconds: expect.any(Number) });
    expect(loaded.seconds).toBeLessThan(10);
    expect(progress.at(-1)).toEqual([15_607, 15_607, expect.any(String)]);
    const done = progress.map(([count]) => count);
    expect(done).toEqual([...done].sort((a, b) => a - b));
    expect(new Set(progress.map(([, , name]) => name)).size).toBe(11);
  });

  it('comes back equal, every value of every record, absent and null apart', async () => {
    let compared = 0;
    for (const { name, records } of entities) {
      const returned = (await everyRecord(name)).map((record) =>
        Object.fromEntries(Object.entries(record).filter(([member]) => !SYSTEM.has(member))),
      );
      const byText = (list: readonly object[]) => list.map((record) => JSON.stringify(Object.entries(record).sort())).sort();
      expect({ name, records: byText(returned) }).toEqual({ name, records: byText(records) });
      compared += returned.length;
    }
    expect(compared).toBe(15_607);
  }, 60_000);

  it('has nulls, Unicode, local times and decimals where the files have them', async () => {
    expect((await call('get', '/records/Employee?select=EmployeeId,ReportsTo&ReportsTo=is.null')).body).toEqual([
      { EmployeeId: 1, ReportsTo: null },
    ]);
    expect((await call('get', '/records/Customer?select=FirstName,City&City=eq.S%C3%A3o Jos%C3%A9 dos Campos')).body).toEqual([
      { FirstName: 'Luís', City: 'São José dos Campos' },
    ]);
    expect((await call('get', '/records/Invoice?select=InvoiceDate,Total&InvoiceId=eq.1')).body).toEqual([
      { InvoiceDate: expect.stringMatching(/^\d{4}-\d\d-\d\dT00:00:00$/), Total: 1.98 },
    ]);
  });

  it('is not loaded twice: a second run finds everything there', async () => {
    const notes: number[] = [];
    const again = await load((done) => notes.push(done));
    expect([again.records, notes.at(-1)]).toEqual([0, 15_607]);
    const { headers } = await call('get', '/records/PlaylistTrack?limit=0').set('prefer', 'count=exact');
    expect(headers['content-range']).toBe('*/8715');
  }, 30_000);

  it('refuses keys that dangle, in every relation', async () => {
    let checked = 0;
    for (const { name, document, records } of entities) {
      for (const [member, schema] of Object.entries(document.properties as Record<string, JsonObject>)) {
        if (schema.relation === undefined) continue;
        const key = Object.keys(records[0]!).find((each) => each === `${name}Id`);
        const dangling = { ...records[0], [member]: 987_654, ...(key && { [key]: 987_653 }) };
        const answer = await call('post', `/records/${name}`).send(dangling);
        expect([name, member, refusal(answer), answer.body.errors?.[0].pointer]).toEqual([
          name,
          member,
          '409 record/reference-missing',
          `/${member}`,
        ]);
        checked += 1;
      }
    }
    expect(checked).toBe(11);
  });

  it('keeps what others refer to, lets go of what nobody does, and takes entries along with their playlist', async () => {
    for (const [name, filter] of [
      ['Artist', 'ArtistId=eq.1'],
      ['Employee', 'EmployeeId=eq.2'],
      ['Customer', 'CustomerId=eq.1'],
      ['Genre', 'GenreId=eq.1'],
    ] as const) {
      expect([name, refusal(await call('delete', `/records/${name}/${await idOf(name, filter)}`))]).toEqual([
        name,
        '409 record/still-referenced',
      ]);
    }
    const before = (await call('get', '/records/PlaylistTrack?PlaylistId=eq.17&limit=1000')).body.length;
    expect(before).toBeGreaterThan(0);
    expect((await call('delete', `/records/Playlist/${await idOf('Playlist', 'PlaylistId=eq.17')}`)).status).toBe(204);
    expect((await call('get', '/records/PlaylistTrack?PlaylistId=eq.17')).body).toEqual([]);
  });

  it('answers questions', async () => {
    const rock = 'select=Name&Milliseconds=gt.300000&Name=ilike.*rock*&order=Milliseconds.desc&limit=3';
    const names = (await call('get', `/records/Track?${rock}`)).body.map(({ Name }: { Name: string }) => Name);
    const tracks = entities.find(({ name }) => name === 'Track')!.records as unknown as { Name: string; Milliseconds: number }[];
    const expected = tracks
      .filter(({ Name, Milliseconds }) => Milliseconds > 300_000 && Name.toLowerCase().includes('rock'))
      .sort((a, b) => b.Milliseconds - a.Milliseconds)
      .slice(0, 3);
    expect(names).toEqual(expected.map(({ Name }) => Name));
  });
});
