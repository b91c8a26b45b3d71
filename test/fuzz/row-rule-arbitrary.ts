import fc, { type Arbitrary } from 'fast-check';
import type { ClaimValue } from '../../src/model/access/claims.js';
import type { JsonObject, JsonValue } from '../../src/platform/json-value.js';

/** Row rules, rows and callers at random, over few values, so that they often meet. */

const UUIDS = ['0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5C'];
const TIMES = ['2026-01-01T00:00:00Z', '2026-01-01T01:00:00+01:00', '2026-06-01T12:00:00.5Z'];

/** Of each property of the entity, values as JSON has them. */
export const VALUES: Readonly<Record<string, readonly JsonValue[]>> = {
  s: ['a', 'b', "o'x\\{}", ''],
  n: [0, 1, 2, 9_007_199_254_740_991],
  d: [0, 0.1, 1, 1e300],
  m: ['1', '1.50', '-2'],
  b: [true, false],
  u: UUIDS,
  t: TIMES,
};

/** Claims may be compared with them. */
const CLAIMED = ['s', 'n', 'd', 'm', 'b', 'u'];
const CLAIM_NAMES = ['c1', 'c2', 'https://example.org/c3', 'sub'];
const ROLES = ['r1', 'r2', 'viewer', 'editor', 'auditor', 'admin', 'stranger'];

export type Row = Readonly<Record<string, JsonValue>>;

export const rows: Arbitrary<Row[]> = fc.array(
  fc.record(
    Object.fromEntries(Object.entries(VALUES).map(([name, values]) => [name, fc.constantFrom<JsonValue>(null, ...values)])),
  ),
  { minLength: 30, maxLength: 30 },
);

export interface Caller {
  readonly subject: string;
  readonly roles: readonly string[];
  readonly claims: Readonly<Record<string, ClaimValue>> | null;
}

const scalars = [...Object.values(VALUES).flat(), 1.5, 1e30, '1.5', 'x', -0] as (string | number | boolean)[];
const claimValue: Arbitrary<ClaimValue> = fc.oneof(
  fc.constantFrom(...scalars),
  fc.array(fc.constantFrom(...scalars), { maxLength: 2 }),
);
const lists = fc.constantFrom<ClaimValue>(['a', 'b'], [0, 1], [...UUIDS], ['1.5'], [true], []);

export const callers: Arbitrary<Caller[]> = fc.array(
  fc.record({
    subject: fc.constantFrom('a', 'b', UUIDS[1] as string),
    roles: fc.subarray(ROLES, { maxLength: 3 }),
    claims: fc.option(fc.dictionary(fc.constantFrom(...CLAIM_NAMES.slice(0, 3)), fc.oneof(claimValue, lists), { maxKeys: 3 }), {
      freq: 8,
    }),
  }),
  { minLength: 6, maxLength: 6 },
);

const names = fc.constantFrom(...Object.keys(VALUES));

function operand(name: string): Arbitrary<JsonValue> {
  const literal = fc.constantFrom<JsonValue>(...(VALUES[name] as JsonValue[]));
  return CLAIMED.includes(name)
    ? fc.oneof(
        literal,
        fc.constantFrom(...CLAIM_NAMES).map((claim) => ({ claim })),
      )
    : literal;
}

function operators(name: string): Arbitrary<JsonObject> {
  const ordered = name === 's' || name === 'b' || name === 'u' ? [] : ['gt', 'gte', 'lt', 'lte'];
  const compared = fc
    .tuple(fc.constantFrom('eq', 'neq', ...ordered), operand(name))
    .map(([operator, value]) => ({ [operator]: value }));
  const literals = fc.subarray([...(VALUES[name] as JsonValue[])]);
  const claim = fc.constantFrom(...CLAIM_NAMES).map((each) => ({ claim: each }));
  const listed = (
    CLAIMED.includes(name) ? fc.oneof<[Arbitrary<JsonValue>, Arbitrary<JsonValue>]>(literals, claim) : literals
  ).map((list) => ({ in: list }));
  return fc.oneof(compared, listed, fc.constantFrom({ is: 'null' }, { is: 'not_null' }));
}

const comparison: Arbitrary<JsonObject> = names.chain((name) => operators(name).map((said) => ({ [name]: said })));

const { condition } = fc.letrec<{ condition: JsonObject }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    comparison,
    fc.tuple(comparison, comparison).map(([one, other]) => ({ ...one, ...other })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((terms) => ({ and: terms })),
    fc.array(tie('condition'), { minLength: 1, maxLength: 3 }).map((terms) => ({ or: terms })),
    tie('condition').map((term) => ({ not: term })),
  ),
}));

const rule: Arbitrary<JsonValue> = fc.oneof({ weight: 1, arbitrary: fc.boolean() }, { weight: 6, arbitrary: condition });

export const rowRules: Arbitrary<JsonObject> = fc.dictionary(
  fc.constantFrom('r1', 'r2', 'viewer', 'editor', 'admin'),
  fc.record({ read: rule, write: rule }, { requiredKeys: [] }),
  { minKeys: 1 },
) as Arbitrary<JsonObject>;
