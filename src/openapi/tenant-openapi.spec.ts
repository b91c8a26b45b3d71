import { Validator } from '@seriousme/openapi-schema-validator';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import fc from 'fast-check';
import { Access } from '../access/access.js';
import type { Role } from '../access/principal.js';
import { readChinook } from '../demo/load-chinook.js';
import { readEntity } from '../model/document/read-entity.js';
import { type Entity, KEEPS_NOTHING, type Property, SYSTEM_MEMBERS } from '../model/entity.js';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { tenantOpenApi } from './tenant-openapi.js';

const TENANT = { id: '0190a1b2-0000-7000-8000-000000000001', slug: 'acme', name: 'Acme' };
const RECORDS = '/records';

/** For names that no document may use: OpenAPI has to be safe by itself. */
function unchecked(name: string, document: JsonObject): Entity {
  const properties = Object.entries((document.properties ?? {}) as Record<string, JsonObject>).map(
    ([member, schema]): Property => ({
      name: member,
      column: member,
      type: schema.type === 'string' ? 'text' : 'jsonb',
      required: true,
      nullable: false,
      default: schema.default,
      checks: [],
      immutable: false,
      readOnly: false,
      writeOnly: false,
    }),
  );
  return {
    name,
    table: name,
    properties,
    keepsExtras: true,
    uniqueKeys: [],
    indexes: [],
    concurrency: 'optional',
    keeps: KEEPS_NOTHING,
    document,
  };
}

type Operation = { operationId: string; parameters?: JsonObject[]; responses: JsonObject; requestBody?: JsonObject };
interface Document {
  paths: Record<string, Record<string, Operation>>;
  servers: JsonObject[];
  components: { schemas: Record<string, JsonObject>; responses: Record<string, JsonObject>; parameters: JsonObject };
}

function openApi(
  entities: Record<string, JsonObject>,
  roles: Role[] = ['admin'],
  read: (name: string, document: JsonObject) => Entity = readEntity,
): Document {
  const access = Access.of({ subject: 'somebody', tenantId: TENANT.id, roles, claims: {} });
  const input = { tenant: TENANT, access, serverUrl: 'https://store.test/', version: '1.2.3' };
  return tenantOpenApi({
    ...input,
    entities: Object.entries(entities).map(([name, it]) => read(name, it)),
  }) as unknown as Document;
}

const specification = new Validator();

/** Valid against the OpenAPI 3.1 schema, every reference resolves, and every schema is one of JSON Schema 2020-12. */
async function expectValid(document: Document): Promise<void> {
  expect(await specification.validate(structuredClone(document) as unknown as Record<string, unknown>)).toEqual({ valid: true });
  const compiled = schemasOf(document);
  for (const name of Object.keys(document.components.schemas)) {
    expect(name).toMatch(/^[a-zA-Z0-9._-]+$/);
    expect(compiled.getSchema(`openapi#/components/schemas/${name}`)).toBeInstanceOf(Function);
  }
  const ids = operations(document).map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
}

const schemas2020 = addFormats(new Ajv2020({ strict: false, allErrors: true })).addFormat('date-time-local', true);

function schemasOf({ components }: Document): Ajv2020 {
  schemas2020.removeSchema('openapi').removeSchema(/^openapi#/);
  return schemas2020.addSchema({ components }, 'openapi');
}

function validatorOf(document: Document, component: string): ValidateFunction {
  return schemasOf(document).compile({ $ref: `openapi#/components/schemas/${component}` });
}

function operations(document: Document): Operation[] {
  return Object.values(document.paths).flatMap(({ get, put, post, patch, delete: remove }) =>
    [get, post, put, patch, remove].filter((operation) => operation !== undefined),
  );
}

const VIOLIN = {
  title: 'Violin',
  type: 'object',
  additionalProperties: false,
  required: ['maker', 'serial', 'kind', 'pin', 'owner'],
  concurrency: 'required',
  properties: {
    maker: { type: 'string', maxLength: 40, index: true },
    serial: { type: 'string', readOnly: true },
    kind: { type: 'string', default: 'new' },
    pin: { type: 'string', writeOnly: true },
    made: { type: 'string', format: 'date-time', generated: 'now' },
    origin: { type: 'string', immutable: true },
    note: { type: 'string' },
    owner: { type: ['string', 'null'] },
    parts: { type: 'object', required: ['neck'], properties: { neck: { type: 'string' } } },
  },
} satisfies JsonObject;

const SYSTEM_VALUES = {
  id: '0190a1b2-0000-7000-8000-000000000002',
  created_at: '2026-01-01T00:00:00Z',
  updated_at: '2026-01-01T00:00:00Z',
  created_by: 'a',
  updated_by: 'a',
  revision: 1,
};

describe('tenant OpenAPI › rights', () => {
  it.each<[Role[], string[]]>([
    [['viewer'], ['listA', 'getA', 'exportA']],
    [['auditor'], ['listA', 'getA', 'exportA']],
    [
      ['editor'],
      ['listA', 'insertA', 'putA', 'patchFoundA', 'deleteFoundA', 'getA', 'replaceA', 'patchA', 'deleteA', 'exportA', 'importA'],
    ],
    [
      ['viewer', 'service'],
      ['listA', 'insertA', 'putA', 'patchFoundA', 'deleteFoundA', 'getA', 'replaceA', 'patchA', 'deleteA', 'exportA', 'importA'],
    ],
    [['system_admin'], []],
    [[], []],
  ])('offers %j exactly what it may do', async (roles, expected) => {
    const document = openApi({ A: { type: 'object' } }, roles);
    expect(operations(document).map(({ operationId }) => operationId)).toEqual(expected);
    await expectValid(document);
  });

  it.each<[Role[], string[]]>([
    [['viewer'], ['getDeletedA', 'historyA', 'listDeletedA']],
    [['editor'], ['getDeletedA', 'historyA', 'listDeletedA', 'restoreA']],
    [['admin'], ['getDeletedA', 'historyA', 'listDeletedA', 'purgeA', 'purgeHistoryA', 'restoreA']],
  ])('offers %j what it may do with the past, where there is one', async (roles, expected) => {
    const ids = (words: JsonObject) =>
      operations(openApi({ A: { type: 'object', ...words } }, roles)).map((each) => each.operationId);
    const [without, all] = [ids({}), ids({ history: 'full', softDelete: true })];
    expect(all.filter((id) => !without.includes(id)).sort()).toEqual(expected);
    expect(ids({ history: 'full' }).filter((id) => !without.includes(id))[0]).toBe('historyA');
    await expectValid(openApi({ A: { type: 'object', history: 'full', softDelete: true } }, roles));
  });

  it('does not describe what a viewer could send', () => {
    expect(Object.keys(openApi({ A: { type: 'object' } }, ['viewer']).components.schemas)).not.toContain('A.Input');
  });

  it('says the same to two callers with the same roles', () => {
    const of = (subject: string) =>
      JSON.stringify(
        tenantOpenApi({
          tenant: TENANT,
          entities: [],
          access: Access.of({ subject, tenantId: TENANT.id, roles: ['viewer'], claims: {} }),
          serverUrl: '',
          version: '1',
        }),
      );
    expect(of('ada')).toBe(of('ben'));
  });
});

describe('tenant OpenAPI › request bodies', () => {
  const document = openApi({ Violin: VIOLIN });
  const whole = { maker: 'Ana', owner: null, pin: '1234', origin: 'Cremona', note: 'x', parts: { neck: 'maple' } };

  it.each<[string, string, JsonObject]>([
    ['a read-only member', 'Violin.Input', { ...whole, serial: 'S1' }],
    ['a member the store sets', 'Violin.Input', { ...whole, made: 'now' }],
    ['a replacement without what has a default', 'Violin.Replacement', whole],
    ['a chosen id that is no uuid', 'Violin.Input', { ...whole, id: '7' }],
    ['a system member', 'Violin.Input', { ...whole, revision: 3 }],
    ['an undeclared member', 'Violin.Input', { ...whole, colour: 'red' }],
    ['a missing required member', 'Violin.Input', { pin: '1' }],
    ['a value that is too long', 'Violin.Input', { ...whole, maker: 'x'.repeat(41) }],
    ['null for a required member, in a patch', 'Violin.Patch', { maker: null }],
    ['an immutable member, in a patch', 'Violin.Patch', { origin: 'Paris' }],
    ['an undeclared member, in a patch', 'Violin.Patch', { colour: 'red' }],
    ['a value that is too long, in a patch', 'Violin.Patch', { maker: 'x'.repeat(41) }],
  ])('refuses %s', (_, component, body) => {
    expect(validatorOf(document, component)(body)).toBe(false);
  });

  it.each<[string, string, JsonObject]>([
    ['a record without what has a default', 'Violin.Input', whole],
    ['a chosen id', 'Violin.Input', { ...whole, id: SYSTEM_VALUES.id }],
    ['a whole replacement', 'Violin.Replacement', { ...whole, kind: 'old' }],
    ['an empty patch', 'Violin.Patch', {}],
    ['null for what is required and nullable, in a patch', 'Violin.Patch', { owner: null }],
    ['a value for what is required and nullable, in a patch', 'Violin.Patch', { owner: 'Ada' }],
    ['null for an optional member, in a patch', 'Violin.Patch', { note: null }],
    ['a part of a nested object, in a patch', 'Violin.Patch', { parts: { bow: 'yes' } }],
  ])('takes %s', (_, component, body) => {
    expect(validatorOf(document, component)(body)).toBe(true);
  });

  it('uses the media type of a merge patch, and plain JSON for one or many records', () => {
    const patch = document.paths[`${RECORDS}/Violin/{id}`]!.patch!;
    expect(patch.requestBody).toMatchObject({
      content: { 'application/merge-patch+json': { schema: { $ref: '#/components/schemas/Violin.Patch' } } },
    });
    const insert = document.paths[`${RECORDS}/Violin`]!.post!;
    const input = { $ref: '#/components/schemas/Violin.Input' };
    expect(insert.requestBody).toMatchObject({
      content: { 'application/json': { schema: { oneOf: [input, { type: 'array', items: input }] } } },
    });
  });

  it('asks for If-Match, and names 428, where the entity demands it', () => {
    const { put } = document.paths[`${RECORDS}/Violin/{id}`]!;
    expect(put!.parameters).toContainEqual({ $ref: '#/components/parameters/if-match.required' });
    expect(Object.keys(put!.responses)).toEqual(expect.arrayContaining(['412', '428']));
    const relaxed = openApi({ A: { type: 'object' } }).paths[`${RECORDS}/A/{id}`]!.put!;
    expect(Object.keys(relaxed.responses)).not.toContain('428');
    expect(relaxed.parameters).toContainEqual({ $ref: '#/components/parameters/if-match' });
  });
});

describe('tenant OpenAPI › responses', () => {
  it('never show what is write-only, and always the system members', () => {
    const { Violin: returned } = openApi({ Violin: VIOLIN }).components.schemas;
    expect(Object.keys(returned!.properties as JsonObject)).toEqual([
      ...Object.keys(SYSTEM_MEMBERS),
      ...Object.keys(VIOLIN.properties).filter((name) => name !== 'pin'),
    ]);
    expect(returned!.required).toEqual([...Object.keys(SYSTEM_MEMBERS), 'maker', 'serial', 'kind', 'owner']);
  });

  it('name a system member once, as the store means it, although the document declares it', () => {
    const document = {
      type: 'object',
      required: ['id'],
      properties: { id: { type: 'string', format: 'uuid', title: 'Mine' } },
    } as const;
    const { A: returned, 'A.Input': input } = openApi({ A: document }).components.schemas;
    expect(returned!.required).toEqual(Object.keys(SYSTEM_MEMBERS));
    expect(returned!.properties).toMatchObject({ id: { $ref: '#/components/schemas/system.id' } });
    expect(input!.required).toEqual([]);
  });

  it('hold although the document forbids, as a whole, what the store adds', () => {
    const document = openApi({
      Strict: {
        type: 'object',
        properties: { a: { type: 'string' } },
        maxProperties: 1,
        propertyNames: { maxLength: 1 },
        patternProperties: { '.': { type: 'string' } },
        allOf: [{ properties: { a: true }, additionalProperties: false }],
        unevaluatedProperties: false,
        additionalProperties: false,
      },
    });
    const validate = validatorOf(document, 'Strict');
    validate({ ...SYSTEM_VALUES, a: 'x' });
    expect(validate.errors ?? []).toEqual([]);
  });

  it('answer errors as problem+json with the types of the catalog', () => {
    const { responses } = openApi({ A: { type: 'object' } }).components;
    expect(responses['problem.412']).toMatchObject({
      description: 'The record has changed since it was read',
      content: {
        'application/problem+json': {
          schema: {
            allOf: [{ $ref: '#/components/schemas/problem' }],
            properties: { type: { enum: ['urn:bss:problem:record/precondition-failed'] }, status: { const: 412 } },
          },
        },
      },
    });
  });
});

describe('tenant OpenAPI › filters', () => {
  const filtersOf = (properties: JsonObject) => {
    const document = openApi({ A: { type: 'object', properties } });
    const shared = document.components.parameters as Record<string, JsonObject>;
    const parameters = document.paths[`${RECORDS}/A`]!.get!.parameters!.map((one) =>
      typeof one.$ref === 'string' ? shared[one.$ref.split('/').at(-1)!]! : one,
    );
    const filters = parameters.map(({ name, schema }) => [name, (schema as JsonObject).$ref] as const);
    return Object.fromEntries(filters.filter(([, $ref]) => $ref !== undefined));
  };

  it('offers none on what cannot be read, nor where a column is called like a word of the grammar', () => {
    const filters = filtersOf({ pin: { type: 'string', writeOnly: true }, select: { type: 'string' }, or: { type: 'integer' } });
    expect(Object.keys(filters)).toEqual(Object.keys(SYSTEM_MEMBERS));
  });

  it('offers the operators of the column type', () => {
    const r: JsonObject = { type: 'string', format: 'daterange' };
    const filters = filtersOf({ t: { type: 'string' }, n: { type: 'number' }, b: { type: 'boolean' }, j: { type: 'object' }, r });
    expect(filters).toMatchObject({
      t: '#/components/schemas/filter.text',
      n: '#/components/schemas/filter.ordered',
      b: '#/components/schemas/filter.boolean',
      j: '#/components/schemas/filter.json',
      r: '#/components/schemas/filter.range',
      revision: '#/components/schemas/filter.ordered',
    });
  });

  it.each([
    ['text', 'like.a*', true],
    ['text', 'not.in.(a,b)', true],
    ['text', 'like(any).{a*,b*}', true],
    ['text', 'wfts(english).a or b', true],
    ['text', 'in(any).{a}', false],
    ['text', 'cs.{a}', false],
    ['ordered', 'gt(all).{1,2}', true],
    ['json', 'not.cs.{"a":1}', true],
    ['ordered', 'like.a*', false],
    ['ordered', 'gte.5', true],
    ['boolean', 'gt.true', false],
    ['json', 'eq.{}', false],
    ['json', 'not.is.null', true],
    ['text', 'Rock', false],
    ['range', 'not.adj.[1,5)', true],
    ['range', 'eq(any).{"[1,5)"}', true],
    ['range', 'sl(any).{"[1,5)"}', false],
    ['range', 'like.*', false],
    ['ordered', 'sl.[1,5)', false],
  ])('%s: %s is %s', (kind, value, expected) => {
    const properties: JsonObject = {
      t: { type: 'string' },
      n: { type: 'number' },
      b: { type: 'boolean' },
      j: { type: 'object' },
      r: { type: 'string', format: 'int8range' },
    };
    expect(validatorOf(openApi({ A: { type: 'object', properties } }), `filter.${kind}`)([value])).toBe(expected);
  });
});

describe('tenant OpenAPI › what is encrypted', () => {
  const SECRET = 'canary-078-05-1120';
  const PERSON: JsonObject = {
    ...{ type: 'object', history: 'full', softDelete: true, examples: [{ ssn: SECRET, note: SECRET }] },
    properties: {
      ssn: { type: 'string', description: 'Of the state.', encrypted: { searchable: 'equality' }, examples: [SECRET] },
      note: { type: 'object', properties: { text: { type: 'string', examples: [SECRET] } }, encrypted: true },
      born: { $ref: '#/$defs/day', encrypted: true },
      flag: { type: ['boolean', 'null'], encrypted: true },
      city: { type: 'string' },
    },
    allOf: [{ properties: { ssn: { examples: [SECRET] } } }],
    $defs: { day: { type: 'string', format: 'date', examples: [SECRET] } },
  };

  it('has no example, wherever the document gives one', async () => {
    const document = openApi({ A: PERSON }, ['admin', 'auditor']);
    await expectValid(document);
    expect(JSON.stringify(document)).not.toContain(SECRET);
    const { ssn: _, note: __, born: ___, flag: ____, ...others } = PERSON.properties as JsonObject;
    expect(JSON.stringify(openApi({ A: { ...PERSON, properties: others } }))).toContain(SECRET);
  });

  it('has the type of its values, and says what it is', () => {
    const { schemas } = openApi({ A: PERSON }).components;
    for (const component of ['A', 'A.Input', 'A.Replacement']) {
      expect(schemas[component]!.properties).toMatchObject({
        ssn: {
          type: 'string',
          description: 'Of the state.\n\nStored encrypted: filtered by equal values only, and never sorted by.',
          'x-encrypted': { searchable: 'equality' },
        },
        note: {
          type: 'object',
          description: expect.stringMatching(/^Stored encrypted: filtered only by whether there is a value/),
        },
        flag: { type: ['boolean', 'null'], 'x-encrypted': true },
      });
    }
    const { ssn, note, born } = schemas['A.Patch']!.properties as Record<string, JsonObject>;
    expect(ssn).toMatchObject({
      anyOf: [{ type: 'string' }, { type: 'null' }],
      description: expect.stringContaining('encrypted'),
    });
    expect(born).toMatchObject({ anyOf: [{ $ref: expect.stringContaining('day') }, { type: 'null' }] });
    // As any object, it is patched member by member.
    expect(Object.keys(note!)).toEqual(['description']);
  });

  it('is filtered by equal values where it is searchable, and otherwise by whether there is one', () => {
    const document = openApi({ A: PERSON });
    const own = document.paths[`${RECORDS}/A`]!.get!.parameters!.filter(({ name }) => name !== undefined);
    expect(Object.fromEntries(own.map(({ name, schema }) => [name, (schema as JsonObject).$ref]))).toEqual({
      ssn: '#/components/schemas/filter.equal',
      ...Object.fromEntries(['note', 'born', 'flag'].map((name) => [name, '#/components/schemas/filter.sealed'])),
      city: '#/components/schemas/filter.text',
    });
    const [equal, sealed] = ['filter.equal', 'filter.sealed'].map((name) => validatorOf(document, name));
    const accepted = [
      'eq.1',
      'not.eq.1',
      'neq.1',
      'in.(1,2)',
      'is.null',
      'not.is.null',
      'gt.1',
      'like.a*',
      'eq(any).{1}',
      'cs.1',
    ];
    expect(accepted.filter((value) => equal!([value]))).toEqual(accepted.slice(0, 6));
    expect(accepted.filter((value) => sealed!([value]))).toEqual(['is.null', 'not.is.null']);
  });

  it('may be gone with its keys, or without a place to have any made, which no other entity answers', () => {
    const statuses = (of: JsonObject) =>
      operations(openApi({ A: of })).map(({ responses }) =>
        Object.keys(responses).filter((status) => /^(410|501)$/.test(status)),
      );
    for (const answered of statuses(PERSON)) expect(answered).toEqual(['410', '501']);
    for (const answered of statuses({ type: 'object', properties: { a: {} } })) expect(answered).toEqual([]);
  });
});

describe('tenant OpenAPI › any document', () => {
  it('is valid for the Chinook entities and describes their records as sent and as returned', async () => {
    const chinook = await readChinook();
    const document = openApi(Object.fromEntries(chinook.map(({ name, document: it }) => [name, it])));
    await expectValid(document);
    for (const { name, records } of chinook) {
      const [sent, returned] = [validatorOf(document, `${name}.Input`), validatorOf(document, name)];
      const faults = records.filter((record) => !sent(record) || !returned({ ...SYSTEM_VALUES, ...record }));
      expect({ name, faults }).toEqual({ name, faults: [] });
    }
    expect(document.paths[`${RECORDS}/Album`]).toHaveProperty('get.operationId', 'listAlbum');
  });

  it('stays valid for entities and properties of any name, and keeps every one of them', async () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constantFrom('__proto__', 'constructor', 'problem', 'a/b', '{x}', '%', '?'),
    );
    const schema = fc.oneof(
      fc.constantFrom<JsonValue>(
        { type: 'string', default: 'x' },
        { type: 'object' },
        {},
        { $ref: '#' },
        { $ref: '#/$defs/n%25~1' },
      ),
      name.map((enumerated): JsonValue => ({ enum: [enumerated], 'x-own': true, relation: { entity: enumerated } })),
    );
    const document = fc.uniqueArray(fc.tuple(name, schema), { selector: ([member]) => member, maxLength: 5 }).map((members) => ({
      type: 'object',
      $defs: { 'n%/': { items: { $ref: '#/$defs/n%25~1' } } },
      properties: Object.fromEntries(members),
      required: members.map(([member]) => member),
    }));
    const tenant = fc.uniqueArray(fc.tuple(name, document), { selector: ([entity]) => entity, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(tenant, async (entities) => {
        const made = openApi(Object.fromEntries(entities), ['admin'], unchecked);
        await expectValid(JSON.parse(JSON.stringify(made)));
        const paths = Object.keys(made.paths).filter((path) => !path.endsWith('/{id}'));
        for (const path of paths) expect(path).toMatch(/^\/(records|exports|imports)\/[^/{}?#]+$/);
        const named = paths.map((path) => decodeURIComponent(path.split('/').at(-1)!));
        expect(new Set(named)).toEqual(new Set(entities.map(([entity]) => entity)));
        expect(Object.keys(made.paths)).toHaveLength(entities.length * 4);
      }),
      { numRuns: 25 },
    );
  });

  it('is empty, and valid, for a tenant without entities', async () => {
    const document = openApi({});
    await expectValid(document);
    expect(document.paths).toEqual({});
    expect(document.servers).toEqual([{ url: `https://store.test/api/v1/tenants/${TENANT.id}` }]);
  });
});
