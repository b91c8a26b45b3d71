/** Ranges against Postgres itself: what is valid is stored as told beforehand, and nothing that is let through is an error. */

import fc from 'fast-check';
import pg from 'pg';
import { columnText as operandText } from '../../src/model/query/column-text.js';
import { boundTypeOf, RANGE_TYPES } from '../../src/model/values/range.js';
import { columnText, jsonText } from '../../src/model/values/values.js';
import { createTestDatabase, type TestDatabase } from '../harness/database.js';
import { BOUND_TEXTS, rangeText, rangeValidity, spoiltRangeText } from './range-arbitrary.js';

let database: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  database = await createTestDatabase();
  client = new pg.Client({ connectionString: database.controlUrl, types: { getTypeParser: () => (text: string) => text } });
  await client.connect();
}, 60_000);

afterAll(async () => {
  await client.end();
  await database.drop();
});

/** How Postgres prints them. @throws what Postgres says, when it cannot read one */
async function printed(type: string, texts: readonly string[]): Promise<string[]> {
  const sql = `select value::${type} as value from unnest($1::text[]) with ordinality as u (value, at) order by at`;
  return (await client.query<{ value: string }>(sql, [texts])).rows.map(({ value }) => value);
}

async function isRead(type: string, text: string): Promise<boolean> {
  return printed(type, [text]).then(
    () => true,
    () => false,
  );
}

const runs = { numRuns: Number(process.env.FUZZ_RUNS ?? 60), interruptAfterTimeLimit: 20_000 } as const;
const many = (text: fc.Arbitrary<string>) => fc.array(text, { minLength: 40, maxLength: 80 });

describe.each(RANGE_TYPES)('%s', (type) => {
  const isValid = rangeValidity(type);

  it('that is valid comes back as told beforehand, and again when it is sent back', async () => {
    let valid = 0;
    const property = fc.asyncProperty(many(fc.oneof(rangeText(type), spoiltRangeText(type))), async (texts) => {
      const sent = texts.filter(isValid);
      valid += sent.length;
      const parameters = sent.map((text) => columnText({ type }, text));
      const answers = (await printed(type, parameters)).map((text) => JSON.parse(jsonText(type, text)));
      expect(answers).toEqual(parameters);
      // Nothing bent: Postgres takes what was sent for the same, where it reads the offset.
      const readable = sent.map((text, index) => (/[+-](?:1[6-9]|2\d):/.test(text) ? (parameters[index] as string) : text));
      expect((await printed(type, readable)).map((text) => JSON.parse(jsonText(type, text)))).toEqual(answers);
      expect(answers.filter((answer) => !isValid(answer) || columnText({ type }, answer) !== answer)).toEqual([]);
    });
    await fc.assert(property, runs);
    expect(valid).toBeGreaterThan(200);
  }, 60_000);

  it('whose bounds are fine is refused only when Postgres refuses it, or for the end of its type', async () => {
    const bound = BOUND_TEXTS[type];
    const property = fc.asyncProperty(bound, bound, fc.boolean(), fc.boolean(), async (lower, upper, withLower, withUpper) => {
      const text = `${withLower ? '[' : '('}${lower},${upper}${withUpper ? ']' : ')'}`;
      const isAtEnd = /9999-12-31|0001-01-01.*\+|[+-](?:1[6-9]|2\d):/.test(text);
      if (!isValid(text) && !isAtEnd) expect([text, await isRead(type, text)]).toEqual([text, false]);
    });
    await fc.assert(property, { ...runs, numRuns: 200 });
  }, 60_000);

  it('in a filter is a range for Postgres, and what a record may hold is one in a filter', async () => {
    const property = fc.asyncProperty(many(fc.oneof(rangeText(type), spoiltRangeText(type))), async (texts) => {
      const operands = texts.map((text) => [text, operandText(type, text)] as const);
      await printed(
        type,
        operands.flatMap(([, operand]) => operand ?? []),
      );
      const different = operands.filter(([text, operand]) => {
        // Filters have no offset beyond those of Postgres.
        return isValid(text) && !/[+-](?:1[6-9]|2\d):/.test(text) && operand !== columnText({ type }, text);
      });
      expect(different).toEqual([]);
    });
    await fc.assert(property, runs);
  }, 60_000);

  it('contains each of its bounds as its flags say', async () => {
    const bound = BOUND_TEXTS[type];
    const property = fc.asyncProperty(bound, fc.boolean(), async (text, belongs) => {
      const operand = operandText(boundTypeOf(type), text);
      const range = operandText(type, belongs ? `[${text},]` : `(${text},)`);
      if (operand === null || range === null) return;
      const sql = `select $1::${type} @> $2::${boundTypeOf(type)} as holds`;
      expect((await client.query(sql, [range, operand])).rows).toEqual([{ holds: belongs ? 't' : 'f' }]);
    });
    await fc.assert(property, { ...runs, numRuns: 100 });
  }, 60_000);
});
