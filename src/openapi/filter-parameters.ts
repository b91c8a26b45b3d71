/** The query parameters of a record list: one per column that can be filtered on, and those that shape the list. */
import { type Entity, isReadable, isSystemMember, type Property, SYSTEM_MEMBERS } from '../model/entity.js';
import { isRangeType } from '../model/values/range.js';
import type { JsonObject } from '../platform/json-value.js';

/** Of what is encrypted: found by equal values, or not found. */
type Kind = 'text' | 'ordered' | 'boolean' | 'json' | 'range' | 'equal' | 'sealed';

/** Comparisons that may be with any or with all of a list. */
const listed = (operators: string): string => `(${operators})(\\((any|all)\\))?`;
const SEARCHES = '(fts|plfts|phfts|wfts)(\\([a-z_]+\\))?';
const TESTS = 'in|is|isdistinct';

/** Regular expressions for what may stand before the dot. */
const OPERATORS: Readonly<Record<Kind, string>> = {
  text: `${listed('eq|gt|gte|lt|lte|like|ilike|match|imatch')}|neq|${TESTS}|${SEARCHES}`,
  ordered: `${listed('eq|gt|gte|lt|lte')}|neq|${TESTS}`,
  boolean: `${listed('eq')}|neq|${TESTS}`,
  json: `cs|cd|ov|is|${SEARCHES}`,
  range: `${listed('eq|gt|gte|lt|lte')}|neq|${TESTS}|cs|cd|ov|sl|sr|nxl|nxr|adj`,
  equal: 'eq|neq|in|is',
  sealed: 'is',
};

const EXAMPLES: Readonly<Record<Kind, string>> = {
  text:
    '`eq.Rock`, `neq.Rock`, `in.(Rock,"R&B")`, `is.null`, `is.not_null`, `like.Ro*`, `ilike.*rock*`, `gte.M`, ' +
    '`like(any).{R*,B*}`, `match.^R`, `wfts(english).rock or blues`',
  ordered: '`eq.5`, `neq.5`, `gt.5`, `gte.5`, `lt.5`, `lte.5`, `in.(1,2,3)`, `is.null`, `is.not_null`, `isdistinct.5`',
  boolean: '`eq.true`, `neq.true`, `is.true`, `is.not_null`, `is.null`, `in.(true,false)`',
  json: '`is.null`, `is.not_null`, `cs.{"a":1}`, `cs.{a,b}`, `ov.{a,b}`',
  range:
    '`ov.[1,5)` (overlaps), `cs.[1,5)` and `cs.3` (contains), `cd.[1,5)` (is contained in), `sl.[1,5)` and `sr.[1,5)` (strictly ' +
    'left, right of), `nxl.[1,5)` and `nxr.[1,5)` (does not extend to the left, right of), `adj.[1,5)` (is adjacent to), ' +
    '`eq.[1,5)`, `in.("[1,5)","[7,9)")`, `is.null`, `is.not_null`',
  equal: '`eq.5`, `neq.5`, `in.(1,2,3)`, `is.null`, `is.not_null`',
  sealed: '`is.null`, `is.not_null`',
};

function kindOf({ type, encrypted }: Pick<Property, 'type' | 'encrypted'>): Kind {
  if (encrypted) return encrypted.searchable ? 'equal' : 'sealed';
  if (type === 'text') return 'text';
  if (type === 'boolean') return 'boolean';
  if (isRangeType(type)) return 'range';
  return type === 'jsonb' ? 'json' : 'ordered';
}

const text = (description: string, more: JsonObject = {}): JsonObject => ({ schema: { type: 'string', ...more }, description });

const SHAPING: Readonly<Record<string, JsonObject>> = {
  select: text(
    'The members to return, separated by commas, and related records: `total,customer(name)`. Members left out are then missing ' +
      'from every record, and related ones are in it although its schema does not name them.',
  ),
  order: text('Members to sort by, e.g. `Name.asc,created_at.desc.nullslast`.'),
  limit: { schema: { type: 'integer', minimum: 0 }, description: 'At most this many records.' },
  offset: { schema: { type: 'integer', minimum: 0 }, description: 'Skip this many records first.' },
  after: text(
    'A cursor from the `Link` header of the page before, which names the next page whole. Order, filters and the caller stay as ' +
      'they were; not together with `offset`. Empty: the first page.',
  ),
  or: text('At least one must hold, e.g. `(a.gt.1,b.is.null)`; may be nested: `(a.eq.1,and(b.gt.2,c.lt.3))`.', {
    pattern: '^\\(.*\\)$',
  }),
  and: text('All must hold, e.g. `(a.gt.1,a.lt.9)`; may be nested.', { pattern: '^\\(.*\\)$' }),
  'not.or': text('None may hold: `or` turned round.', { pattern: '^\\(.*\\)$' }),
  'not.and': text('Not all may hold: `and` turned round.', { pattern: '^\\(.*\\)$' }),
};

/** `components/parameters` that the list refers to. */
export const LIST_PARAMETERS: JsonObject = Object.fromEntries([
  ...Object.entries(SHAPING).map(([name, parameter]) => [`list.${name}`, { name, in: 'query', ...parameter }]),
  ...Object.entries(SYSTEM_MEMBERS).map(([name, type]) => [`filter.${name}`, filterParameter(name, { type })]),
]);

const SHARED = Object.keys(LIST_PARAMETERS).map((name) => ({ $ref: `#/components/parameters/${name}` }));

/** Every parameter of the entity's list. Several filters must all hold; the same one may be given several times. */
export function listParameters({ properties }: Entity): readonly JsonObject[] {
  const own = properties.filter(isReadable).filter(({ name }) => !isSystemMember(name) && !Object.hasOwn(SHAPING, name));
  return [...SHARED, ...own.map((property) => filterParameter(property.name, property))];
}

/** `components/schemas` that the parameters refer to. Repeating a parameter (`form`, exploded) is what OpenAPI takes an array for. */
export const FILTER_SCHEMAS: JsonObject = Object.fromEntries(
  Object.entries(OPERATORS).map(([kind, operators]) => [
    `filter.${kind}`,
    {
      type: 'array',
      items: { type: 'string', pattern: `^(not\\.)?(${operators})\\.` },
      description: `An operator and a value: ${EXAMPLES[kind as Kind]}. \`not.\` before it turns it round. Given several times, all must hold.`,
    },
  ]),
);

/** A property with a name of `SHAPING` can be filtered on inside a group only: `and=(limit.eq.1)`. */
function filterParameter(name: string, of: Pick<Property, 'type' | 'encrypted'>): JsonObject {
  return { name, in: 'query', schema: { $ref: `#/components/schemas/filter.${kindOf(of)}` } };
}
