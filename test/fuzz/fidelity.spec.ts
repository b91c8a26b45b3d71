/** The promise of fidelity, over HTTP: what is valid is stored and comes back equal, whatever the document and the way. */

import fc from 'fast-check';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/platform/json-value.js';
import { startTestService, type TestService, type TestTenant } from '../harness/service.js';
import { entity, type GeneratedEntity, patch, record } from './entity-arbitrary.js';

let test: TestService;
let tenant: TestTenant;
let token: string;

beforeAll(async () => {
  test = await startTestService();
  tenant = await test.tenant();
  token = await test.token(['admin'], tenant.id);
});

afterAll(() => test.stop());

async function send(method: string, path: string, body?: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${token}`, ...(body !== undefined && { 'content-type': 'application/json' }) };
  const response = await fetch(`${test.service.url}/api/v1/tenants/${tenant.id}${path}`, { method, headers, body });
  return { status: response.status, text: await response.text() };
}

async function expectJson(status: number, method: string, path: string, body?: JsonValue): Promise<JsonValue> {
  const answer = await send(method, path, body === undefined ? undefined : JSON.stringify(body));
  if (answer.status !== status) throw new Error(`${method} ${path}: ${answer.status} ${answer.text} for ${JSON.stringify(body)}`);
  return JSON.parse(answer.text);
}

const SYSTEM = ['id', 'created_at', 'updated_at', 'created_by', 'updated_by', 'revision'];

/** What a record says: system members left out, and of each property its meaning. */
function meaningOf({ properties }: GeneratedEntity, value: JsonValue): JsonObject {
  if (!isJsonObject(value)) throw new Error(`not a record: ${JSON.stringify(value)}`);
  const meanings = new Map(properties.map(({ name, meaning }) => [name, meaning]));
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !SYSTEM.includes(name))
      .map(([name, member]) => [name, meanings.get(name)?.(member) ?? member]),
  );
}

/** RFC 7396 §2, word for word, and our one exception. */
function merged(generated: GeneratedEntity, target: JsonObject, change: JsonObject): JsonObject {
  const result = merge(target, change) as Record<string, JsonValue>;
  for (const { name, required, nullable } of generated.properties) {
    if (required && nullable && Object.hasOwn(change, name) && change[name] === null) result[name] = null;
  }
  return result;
}

function merge(target: JsonValue | undefined, change: JsonValue): JsonValue {
  if (!isJsonObject(change)) return change;
  const result = new Map(isJsonObject(target) ? Object.entries(target) : []);
  for (const [name, value] of Object.entries(change)) {
    if (value === null) result.delete(name);
    else result.set(name, merge(result.get(name), value));
  }
  return Object.fromEntries(result);
}

describe('what is valid', () => {
  let count = 0;

  it('comes back equal: inserted, read, listed, replaced and patched, for documents over all types', async () => {
    const cases = entity.chain((generated) =>
      fc.record({
        generated: fc.constant(generated),
        records: fc.array(record(generated), { minLength: 1, maxLength: 5 }),
        replacement: record(generated),
        change: patch(generated),
      }),
    );
    const property = fc.asyncProperty(cases, async ({ generated, records, replacement, change }) => {
      const name = `fuzz${++count}`;
      const meaning = (value: JsonValue) => meaningOf(generated, value);
      await expectJson(201, 'PUT', `/entities/${name}`, generated.document);
      const inserted = (await expectJson(201, 'POST', `/records/${name}`, records)) as JsonObject[];
      expect(inserted.map(meaning)).toEqual(records.map(meaning));

      const listed = (await expectJson(200, 'GET', `/records/${name}?order=id`)) as JsonObject[];
      expect(listed).toEqual([...inserted].sort((a, b) => ((a.id as string) < (b.id as string) ? -1 : 1)));
      const path = `/records/${name}/${inserted[0]?.id}`;
      expect(await expectJson(200, 'GET', path)).toEqual(inserted[0]);

      const replaced = await expectJson(200, 'PUT', path, replacement);
      expect(meaning(replaced)).toEqual(meaning(replacement));
      expect(await expectJson(200, 'GET', path)).toEqual(replaced);

      const patched = await expectJson(200, 'PATCH', path, change);
      expect(meaning(patched)).toEqual(meaning(merged(generated, replacement, change)));
      expect(await expectJson(200, 'GET', path)).toEqual(patched);
      // What comes back can be sent back, and is then what it was.
      const again = await expectJson(200, 'PUT', path, patched);
      expect(meaning(again)).toEqual(meaning(patched));
    });
    await fc.assert(property, { numRuns: 50, interruptAfterTimeLimit: 40_000 });
  }, 90_000);
});

/** `-12.50e3` as `-125e2`; zero, however it is written, as `0`. */
function exact(token: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(token) ?? [];
  const all = (whole + fraction).replace(/^0+/, '');
  const significant = all.replace(/0+$/, '');
  if (significant === '') return '0';
  return `${sign}${significant}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(all.length - significant.length)}`;
}

/** Whether a double holds exactly what is written, as far as its own shortest spelling tells. */
function survives(token: string): boolean {
  const value = Number(token);
  return Number.isFinite(value) && !Object.is(value, -0) && exact(token) === exact(String(value));
}

const numeral = fc.oneof(
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?$/),
  fc.stringMatching(/^-?(0|[1-9][0-9]{0,5})(\.[0-9]{1,4})?(e[+-]?[0-9]{1,2})?$/),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
  fc.constantFrom(
    '9007199254740993',
    '9223372036854775807',
    '9223372036854775808',
    '1e400',
    '-0',
    '-0.0',
    '0e0',
    '0.1',
    '1.0',
    '1E2',
    '1e-400',
    '5e-324',
  ),
);

describe('what a body says in numbers', () => {
  it('is stored as written, or refused by its place: never rounded, in no column and nowhere else', async () => {
    await tenant.define('numbers', {
      type: 'object',
      properties: { typed: { type: 'number' }, free: {}, list: { type: 'array' } },
    });
    const property = fc.asyncProperty(fc.array(numeral, { minLength: 20, maxLength: 40 }), async (tokens) => {
      const [kept, lost] = [tokens.filter(survives), tokens.filter((each) => !survives(each))];
      const row = (each: string) => `{"typed":${each},"free":${each},"list":[{"deep":${each}}],"extra":${each}}`;
      const stored = await send('POST', '/records/numbers', `[${kept.map(row).join(',')}]`);
      if (stored.status !== 201) throw new Error(`${stored.status} ${stored.text} for ${kept}`);
      const ids = (JSON.parse(stored.text) as { id: string }[]).map(({ id }) => id);
      const listed = kept.length === 0 ? { text: '[]' } : await send('GET', `/records/numbers?order=id&id=in.(${ids.join(',')})`);
      for (const text of [stored.text, listed.text]) {
        const returned = [...text.matchAll(/"(?:typed|free|deep|extra)": ?([-+.eE\d]+)/g)].map(([, each]) =>
          exact(each as string),
        );
        expect(returned.sort()).toEqual(kept.flatMap((each) => Array(4).fill(exact(each))).sort());
      }
      for (const each of lost) {
        const answer = await send('POST', '/records/numbers', `[{"free":1},${row(each)}]`);
        expect([each, answer.status, JSON.parse(answer.text).type]).toEqual([
          each,
          400,
          'urn:bss:problem:request/unfaithful-json',
        ]);
        expect(JSON.parse(answer.text).errors.map(({ pointer }: { pointer: string }) => pointer)).toEqual([
          '/1/typed',
          '/1/free',
          '/1/list/0/deep',
          '/1/extra',
        ]);
      }
    });
    await fc.assert(property, { numRuns: 25, interruptAfterTimeLimit: 20_000 });
  }, 60_000);
});
