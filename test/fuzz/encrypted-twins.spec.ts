/** Encrypting a property changes nothing of what its entity answers: what the twin of an entity says, word for word, whatever it holds. */

import fc, { type Arbitrary } from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/platform/json-value.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { entity, type GeneratedEntity, patch, record } from './entity-arbitrary.js';
import { SPELLED, type Spelled } from './spelled-values.js';

let test: TestService;
let tenant: TestTenant;
let token: string;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
});

afterAll(() => test?.stop());

const RUNS = Number(process.env.FUZZ_RUNS ?? 40);
const runs = { numRuns: RUNS, interruptAfterTimeLimit: 40_000, endOnFailure: true } as const;
const TWINS = ['plain', 'sealed'] as const;

interface Answer {
  readonly status: number;
  readonly body: JsonValue;
}

async function send(method: string, path: string, body?: JsonValue, prefer?: string): Promise<Answer> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(body !== undefined && { 'content-type': method === 'PATCH' ? 'application/merge-patch+json' : 'application/json' }),
    ...(prefer !== undefined && { prefer }),
  };
  const sent = { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) };
  const response = await fetch(`${test.service.url}/api/v1/tenants/${tenant.id}${path}`, sent);
  const text = await response.text();
  return { status: response.status, body: text === '' ? null : (JSON.parse(text) as JsonValue) };
}

/** Of both twins, `~` in the path being the name of each. */
async function answers(...[method, path, body, prefer]: Parameters<typeof send>): Promise<[Answer, Answer]> {
  const asked = TWINS.map((name) => send(method, path.replace('~', `${name}${generation}`), body, prefer));
  return (await Promise.all(asked)).map(({ status, body: said }) => ({
    status,
    body: status < 300 ? withoutTimes(said) : typeOf(said),
  })) as [Answer, Answer];
}

function withoutTimes(body: JsonValue): JsonValue {
  if (Array.isArray(body)) return body.map(withoutTimes);
  if (!isJsonObject(body)) return body;
  const { created_at: _created, updated_at: _updated, ...rest } = body;
  return rest;
}

function typeOf(body: JsonValue): JsonValue {
  return isJsonObject(body) ? [body.type as string, JSON.stringify(body.errors)] : body;
}

async function expectTwins(...asked: Parameters<typeof send>): Promise<Answer> {
  const [plain, sealed] = await answers(...asked);
  expect({ asked, ...sealed }).toEqual({ asked, ...plain });
  return plain;
}

let generation = 0;
let ids = 0;

function nextId(): string {
  return `018f0000-0000-7000-8000-${String(++ids).padStart(12, '0')}`;
}

async function defineTwins(document: JsonObject, word: (name: string) => JsonValue): Promise<void> {
  generation += 1;
  const properties = Object.entries(document.properties as JsonObject).map(([name, schema]) => {
    return [name, { ...(schema as JsonObject), encrypted: word(name) }];
  });
  await tenant.define(`plain${generation}`, document);
  await tenant.define(`sealed${generation}`, { ...document, properties: Object.fromEntries(properties) });
}

const withRecords = entity.chain((generated: GeneratedEntity) =>
  fc.record({
    generated: fc.constant(generated),
    records: fc.array(record(generated), { minLength: 1, maxLength: 4 }),
    patches: fc.array(patch(generated), { maxLength: 2 }),
  }),
);

it('answers, patches and lists of any entity', async () => {
  const property = fc.asyncProperty(withRecords, async ({ generated, records, patches }) => {
    await defineTwins(generated.document, () => true);
    for (const content of records) {
      const id = nextId();
      const created = await expectTwins('POST', '/records/~', { ...content, id });
      expect(created.status).toBe(201);
      for (const change of patches) await expectTwins('PATCH', `/records/~/${id}`, change);
      await expectTwins('GET', `/records/~/${id}`);
    }
    await expectTwins('GET', '/records/~?order=id');
  });
  await fc.assert(property, runs);
}, 120_000);

const NAMES = SPELLED.map((_, index) => `p${index}`);
const stored = (spelled: Spelled, index: number): Arbitrary<JsonObject> =>
  spelled.value.map((value) => ({ [NAMES[index] as string]: value }));
const anyStored = fc.oneof(...SPELLED.map(stored));

function documentOf(word: object): JsonObject {
  const properties = SPELLED.map(({ schema }, index) => [NAMES[index], { ...schema, ...word }]);
  return { type: 'object', properties: Object.fromEntries(properties), additionalProperties: false };
}

/** For PostgREST's lists and groups. */
function quoted(text: string): string {
  return `"${text.replace(/[\\"]/g, '\\$&')}"`;
}

const filter = fc.oneof(
  ...SPELLED.map(({ operand }, index) =>
    fc.oneof(
      fc
        .tuple(fc.constantFrom('eq', 'neq', 'not.eq', 'not.neq'), operand)
        .map(([operator, text]) => `${NAMES[index]}=${operator}.${encodeURIComponent(text)}`),
      fc
        .tuple(fc.constantFrom('in', 'not.in'), fc.array(operand, { maxLength: 4 }))
        .map(([operator, texts]) => `${NAMES[index]}=${operator}.(${encodeURIComponent(texts.map(quoted).join(','))})`),
      fc.constantFrom('is.null', 'not.is.null', 'is.not_null').map((test) => `${NAMES[index]}=${test}`),
      fc
        .tuple(operand, operand)
        .map(
          ([one, two]) =>
            `or=(${NAMES[index]}.eq.${encodeURIComponent(quoted(one))},${NAMES[index]}.eq.${encodeURIComponent(quoted(two))})`,
        ),
    ),
  ),
);

it('what is found by equal values, in all their spellings', async () => {
  await defineTwins(documentOf({}), () => ({ searchable: 'equality' }));
  const property = fc.asyncProperty(
    fc.array(anyStored, { minLength: 5, maxLength: 30 }),
    fc.array(filter, { minLength: 20, maxLength: 40 }),
    async (records, filters) => {
      const created = await expectTwins(
        'POST',
        '/records/~',
        records.map((content) => ({ ...content, id: nextId() })),
      );
      expect(created.status).toBe(201);
      for (const query of filters) await expectTwins('GET', `/records/~?select=id&order=id&${query}`);
      await expectTwins('DELETE', '/records/~?id=not.is.null', undefined, 'return=minimal');
    },
  );
  await fc.assert(property, runs);
}, 120_000);

it('which values are taken already, and what an upsert by them merges', async () => {
  await defineTwins(documentOf({ unique: true }), () => ({ searchable: 'equality' }));
  let [taken, merged] = [0, 0];
  const property = fc.asyncProperty(
    fc.array(fc.tuple(anyStored, fc.boolean()), { minLength: 10, maxLength: 60 }),
    async (writes) => {
      for (const [content, isUpsert] of writes) {
        const [name] = Object.keys(content);
        const sent = { ...content, id: nextId() };
        const { status } = isUpsert
          ? await expectTwins('POST', `/records/~?on_conflict=${name}`, [content], 'resolution=merge-duplicates,return=minimal')
          : await expectTwins('POST', '/records/~', sent);
        if (status === 409) taken += 1;
        if (isUpsert && status === 200) merged += 1;
      }
      const [plain, sealed] = await answers('GET', '/records/~?select=id&order=id', undefined, 'count=exact');
      expect((sealed.body as JsonValue[]).length).toBe((plain.body as JsonValue[]).length);
      await expectTwins('DELETE', '/records/~?id=not.is.null', undefined, 'return=minimal');
    },
  );
  await fc.assert(property, runs);
  // Whoever never meets a duplicate has proven nothing.
  expect([taken > RUNS / 2, merged > RUNS / 2]).toEqual([true, true]);
}, 120_000);
