import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { relationFaults } from '../model/ddl/relation-faults.js';
import { readEntity } from '../model/document/read-entity.js';
import type { Entity } from '../model/entity.js';
import type { JsonObject } from '../platform/json-value.js';
import { type LoadOptions, loadChinook, readChinook, relationsFirst } from './load-chinook.js';

/** Answers as the service does, as far as the loader can tell: entities, and records with natural keys, kept in memory. */
class StandIn {
  readonly entities = new Map<string, JsonObject>();
  readonly records = new Map<string, JsonObject[]>();
  readonly calls: { method: string; path: string; count: number; authorization: string | null }[] = [];
  /** Returns a response to be given instead, e.g. a refusal. */
  interfere: (method: string, path: string) => Response | undefined = () => undefined;

  readonly fetch: typeof fetch = async (input, init) => {
    const url = new URL(String(input));
    const { method = 'GET', body } = init ?? {};
    const sent = body === undefined ? undefined : JSON.parse(String(body));
    const count = Array.isArray(sent) ? sent.length : 0;
    this.calls.push({ method, path: url.pathname, count, authorization: new Headers(init?.headers).get('authorization') });
    const refusal = this.interfere(method, url.pathname);
    if (refusal) return refusal;
    const [, kind, name] = /^\/api\/v1\/tenants\/tenant-1\/(entities|records)\/(\w+)$/.exec(url.pathname) ?? [];
    if (kind === 'entities') this.entities.set(name!, sent);
    const stored = this.records.get(name!) ?? [];
    if (method === 'GET') {
      const [limit, offset] = [Number(url.searchParams.get('limit')), Number(url.searchParams.get('offset'))];
      return Response.json(stored.slice(offset, offset + limit));
    }
    if (kind === 'records') this.records.set(name!, [...stored, ...sent]);
    return new Response(null, { status: 201 });
  };

  options(over: Partial<LoadOptions> = {}): LoadOptions {
    return { baseUrl: 'http://store.test', tenantId: 'tenant-1', token: 'tok', onProgress: () => {}, fetch: this.fetch, ...over };
  }
}

const problem = (status: number, body: object) => Response.json(body, { status });

describe('chinook › loading', () => {
  it('stops at the first refusal and repeats what the service said, faults included', async () => {
    const service = new StandIn();
    service.interfere = (method, path) =>
      method === 'PUT' && path.endsWith('/Album')
        ? problem(422, {
            type: 'urn:bss:problem:entity/invalid-document',
            title: 'The entity document was refused',
            detail: 'It has one fault.',
            errors: [{ pointer: '/properties/Title', rule: 'maxLength', message: 'is too small' }],
          })
        : undefined;
    await expect(loadChinook(service.options())).rejects.toThrow(
      'PUT /api/v1/tenants/tenant-1/entities/Album was answered 422. The entity document was refused: It has one fault.\n  /properties/Title: is too small',
    );
    expect(service.records.size).toBe(0);
  });

  it.each([
    ['a body that is not JSON', () => new Response('<h1>Bad gateway</h1>', { status: 502 }), '502. <h1>Bad gateway</h1>'],
    ['no body', () => new Response(null, { status: 500 }), '500. It did not say why.'],
    ['JSON that is no problem document', () => Response.json([null], { status: 500 }), '500. [null]'],
    ['faults of a strange shape', () => problem(422, { title: 'No', detail: 'no', errors: [null] }), '422. No: no'],
  ])('explains %s', async (_, answer, expected) => {
    const service = new StandIn();
    service.interfere = answer;
    await expect(loadChinook(service.options())).rejects.toThrow(expected);
  });

  it('says that nobody listens, and where', async () => {
    const refused: typeof fetch = () => Promise.reject(new TypeError('fetch failed', { cause: { code: 'ECONNREFUSED' } }));
    await expect(loadChinook(new StandIn().options({ fetch: refused }))).rejects.toThrow(
      'no answer from http://store.test (ECONNREFUSED)',
    );
  });

  it('defines every entity before any record and stores all 15,607 in batches of at most 1,000', async () => {
    const service = new StandIn();
    const progress: [number, number, string][] = [];
    const result = await loadChinook(service.options({ onProgress: (...step) => void progress.push(step) }));
    expect(result).toEqual({ entities: 11, records: 15_607, seconds: expect.any(Number) });
    const methods = service.calls.map(({ method }) => method);
    expect(methods.lastIndexOf('PUT')).toBeLessThan(methods.indexOf('POST'));
    expect(Math.max(...service.calls.map(({ count }) => count))).toBe(1_000);
    expect(new Set(service.calls.map(({ authorization }) => authorization))).toEqual(new Set(['Bearer tok']));
    expect(progress.at(-1)).toEqual([15_607, 15_607, expect.any(String)]);
    for (const { name, records } of await readChinook()) expect(service.records.get(name)).toEqual(records);
  });

  it('adds nothing when run again, and says so', async () => {
    const service = new StandIn();
    await loadChinook(service.options());
    const notices: string[] = [];
    const again = await loadChinook(service.options({ onNotice: (message) => void notices.push(message) }));
    expect(again.records).toBe(0);
    expect(notices).toContain('PlaylistTrack: 8715 of 8715 records were there already');
    expect(service.records.get('PlaylistTrack')).toHaveLength(8_715);
  });

  it('takes up an interrupted run where it stopped, without touching records of somebody else', async () => {
    const service = new StandIn();
    const chinook = await readChinook();
    const tracks = chinook.find(({ name }) => name === 'Track')!.records;
    const own = { TrackId: 900_001, Name: 'Ours' };
    service.records.set('Track', [own, ...tracks.slice(0, 2_000)]);
    const result = await loadChinook(service.options());
    expect(result.records).toBe(13_607);
    expect(service.records.get('Track')).toEqual([own, ...tracks]);
  });
});

describe('chinook › order', () => {
  it('puts every entity after those it refers to', async () => {
    const order = (await readChinook()).map(({ name }) => name);
    for (const [before, after] of [
      ['Artist', 'Album'],
      ['Album', 'Track'],
      ['Playlist', 'PlaylistTrack'],
      ['Track', 'PlaylistTrack'],
      ['Employee', 'Customer'],
      ['Customer', 'Invoice'],
      ['Invoice', 'InvoiceLine'],
    ] as const) {
      expect(order.indexOf(before)).toBeLessThan(order.indexOf(after));
    }
  });

  it('ends on entities that refer to each other', () => {
    const to = (entity: string) => ({ properties: { x: { relation: { entity } } } });
    const mutual = [
      { name: 'A', document: to('B') },
      { name: 'B', document: to('A') },
    ];
    expect(relationsFirst(mutual).map(({ name }) => name)).toEqual(['B', 'A']);
  });
});

describe('chinook › documents', () => {
  it('are accepted as entities, each relation finding what was defined before it', async () => {
    const defined = new Map<string, Entity>();
    for (const { name, document } of await readChinook()) {
      const entity = readEntity(name, document);
      expect(relationFaults(entity, (target) => defined.get(target))).toEqual([]);
      defined.set(name, entity);
    }
    const typeOf = (entity: string, member: string) => defined.get(entity)!.properties.find(({ name }) => name === member)!.type;
    expect(typeOf('Invoice', 'InvoiceDate')).toBe('timestamp');
    expect(typeOf('Invoice', 'Total')).toBe('double precision');
    expect(defined.get('PlaylistTrack')!.uniqueKeys.map(({ properties }) => properties)).toEqual([['PlaylistId', 'TrackId']]);
  });

  it('describe every record that comes with them', async () => {
    const ajv = new Ajv2020({ allErrors: true, strict: true, allowUnionTypes: true });
    addFormats(ajv);
    ajv.addFormat('date-time-local', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/);
    ajv.addVocabulary(['unique', 'index', 'relation', 'uniqueKeys', 'indexes']);
    for (const { name, document, records } of await readChinook()) {
      const faults = records.filter((record) => !ajv.validate(document, record));
      expect({ name, faults }).toEqual({ name, faults: [] });
    }
  });

  it('relate only to properties that are unique on their own, and every relation in the data has its target', async () => {
    const entities = new Map((await readChinook()).map((entity) => [entity.name, entity]));
    type Words = { unique?: boolean; relation?: { entity: string; field: string } };
    const propertiesOf = (name: string) => entities.get(name)!.document.properties as unknown as Record<string, Words>;
    let checked = 0;
    for (const { name, records } of entities.values()) {
      for (const [member, { relation }] of Object.entries(propertiesOf(name))) {
        if (relation === undefined) continue;
        expect(propertiesOf(relation.entity)[relation.field]?.unique).toBe(true);
        const targets = new Set(entities.get(relation.entity)!.records.map((record) => record[relation.field]));
        const dangling = records.filter((record) => record[member] !== null && !targets.has(record[member]!));
        expect({ name, member, dangling }).toEqual({ name, member, dangling: [] });
        checked += 1;
      }
    }
    expect(checked).toBe(11);
  });

  it('keep unique values unique', async () => {
    for (const { name, document, records } of await readChinook()) {
      const keys = Object.entries(document.properties as Record<string, JsonObject>)
        .filter(([, property]) => property.unique === true)
        .map(([member]) => [member])
        .concat((document.uniqueKeys as string[][] | undefined) ?? []);
      for (const key of keys) {
        const values = new Set(records.map((record) => JSON.stringify(key.map((member) => record[member]))));
        expect({ name, key, distinct: values.size }).toEqual({ name, key, distinct: records.length });
      }
    }
  });
});
