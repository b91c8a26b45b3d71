import fc from 'fast-check';

/**
 * Query strings by the grammar, over two entities that refer to each other, themselves and one another through a third: most of
 * them mean something, some ask a type for what it cannot do, some are cut or have a token too many.
 */

const PROPERTIES = {
  book: 'id created_at revision number title price weight sold built seen opens stamp source photo owner tags data author sequel span cost stay shift during'.split(
    ' ',
  ),
  author: 'id updated_at name born books'.split(' '),
  label: 'id word'.split(' '),
} as const;
type Name = keyof typeof PROPERTIES;

const RELATIONS: Record<Name, readonly (readonly [string, Name])[]> = {
  book: [
    ['author', 'author'],
    ['sequel', 'book'],
    ['book', 'book'],
    ['label', 'label'],
    ['label!tagging', 'label'],
    ['prequels', 'book'],
  ],
  author: [
    ['book', 'book'],
    ['books', 'book'],
    ['book!author', 'book'],
    ['books', 'book'],
  ],
  label: [
    ['book', 'book'],
    ['book!tagging', 'book'],
  ],
};

const CASTS = 'text integer bigint numeric float8 boolean date time timestamp timestamptz uuid json jsonb money'.split(' ');
const OPERATORS =
  'eq neq gt gte lt lte like ilike match imatch isdistinct in is fts plfts phfts(english) wfts(simple) cs cd ov sl sr nxl nxr adj'.split(
    ' ',
  );
const OPERANDS = [
  ...'1 -7 1.5 1e400 9223372036854775808 true null not_null x %x% *x* ^x( 2024-01-01 2024-01-01T00:00:00Z 09:30 10.0.0.1 ::1'.split(
    ' ',
  ),
  ...[
    '(1,2)',
    '("a,b",c)',
    '()',
    '{}',
    '{a,b}',
    '{1,2}',
    '[1,2]',
    '{"a":1}',
    '"quoted"',
    'a b',
    'a & b',
    '+/8=',
    '',
    "'; drop",
    '\\',
    '{"a":"\\u0000"}',
    '1e999999',
    '[1,5)',
    '(1.5,]',
    '[5,1)',
    'empty',
    '[2024-01-01,2024-02-01)',
    '[2024-01-01 00:00, 2024-02-01 00:00)',
    '[1,9223372036854775807]',
    '("[1,5)",(,2])',
  ],
  '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
];

const TEXT =
  'eq.x neq.x gt.a in.(x,"a,b") like.*x* ilike(any).{a*,*B} match.^x imatch(all).{x,a} fts.x plfts(english).cats wfts(simple).a isdistinct.x'.split(
    ' ',
  );
const NUMBER = 'eq.1 neq.2 gt.-7 gte(any).{1,2} lt(all).{1,5} in.(1,2,3) isdistinct.1'.split(' ');
const JSON_VALUE = 'eq.{} gt.1 in.("1","{}") cs.{a} cs.{"a":{}} cd.[1,2,3] ov.{a,1} fts.text isdistinct.[]'.split(' ');
const INSTANT = ['eq.2024-01-01T00:00:00Z', 'gt.2024-01-01', 'in.(2024-01-01,2025-01-01)'];

const QUESTIONS = 'eq neq gt lte isdistinct cs cd ov sl sr nxl nxr adj'.split(' ');
/** Every question with every one of the ranges, among lists of them. */
const ofRanges = (...ranges: string[]) => [
  ...QUESTIONS.flatMap((operator) => ['empty', '(,)', ...ranges].map((range) => `${operator}.${range}`)),
  ...[`in.(${ranges})`, `in.("${ranges[0]}",empty)`, `eq(any).{${ranges}}`, `lt(all).{"${ranges[0]}"}`],
];

/** Operations that a property takes. */
const FITTING: Readonly<Record<string, readonly string[]>> = {
  ...{ title: TEXT, name: TEXT, word: TEXT, author: TEXT, number: NUMBER, price: NUMBER, weight: NUMBER, born: NUMBER },
  ...{
    revision: NUMBER,
    sequel: NUMBER,
    tags: JSON_VALUE,
    data: JSON_VALUE,
    seen: INSTANT,
    created_at: INSTANT,
    stamp: ['gt.2024-01-01'],
  },
  ...{ sold: ['is.true', 'is.unknown', 'eq.true', 'in.(true,false)'], built: ['gte.2024-01-01'], opens: ['lt.10:00:00Z'] },
  ...{
    span: [...ofRanges('[1,5)', '(,2]', '[9223372036854775806,)'), 'cs.3', 'cs.-9223372036854775808'],
    cost: [...ofRanges('[1,2.5]', '(1.50,)'), 'cs.1.75', 'cs.1e999'],
    stay: [...ofRanges('[2024-01-01,2024-02-01)', '(,9999-12-31]'), 'cs.2024-01-31'],
    shift: [...ofRanges('[2024-01-01T09:30:00,)', '(2024-01-01,2024-01-02 00:00]'), 'cs.2024-01-01T09:45:00'],
    during: [...ofRanges('[2024-01-01T00:00:00Z,)', '["2024-01-01 00:00",2024-01-02T00:00:00+02:00)'), 'cs.2024-01-15T00:00:00Z'],
  },
  ...{ source: ['eq.10.0.0.1', 'lt.::1'], photo: ['eq.+/8='], owner: ['eq.0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b'] },
};

const one = <T>(values: readonly T[]) => fc.constantFrom(...values);
/** Once in so many times. */
const maybe = (arbitrary: fc.Arbitrary<string>, times: number) =>
  fc.oneof({ weight: times - 1, arbitrary: fc.constant('') }, { weight: 1, arbitrary });
const join = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((texts) => texts.join(''));
const text = (value: string) => fc.constant(value);

const path = one(['->a', '->>a', '->0', '->-1->>b', '->a->b->>c', '->"x y"']);

function value(entity: Name): fc.Arbitrary<string> {
  return join(one(PROPERTIES[entity]), maybe(path, 6));
}

function selectTerm(entity: Name, depth: number): fc.Arbitrary<string> {
  const cast = one(CASTS).map((type) => `::${type}`);
  const aggregate = one(['.count()', '.count()', '.max()', '.sum()', '.avg()', '.min()', '.median()']);
  const plain = join(
    maybe(one(['x:', 'count:', 'id:', '"a b":']), 4),
    value(entity),
    maybe(cast, 5),
    maybe(aggregate, 12),
    maybe(cast, 12),
  );
  const terms = [
    { weight: 6, arbitrary: plain },
    { weight: 2, arbitrary: one(['*', 'count()']) },
  ];
  if (depth === 0) return fc.oneof(...terms);
  const embed = one(RELATIONS[entity]).chain(([name, target]) =>
    join(
      one(['', '', '', 'x:', 'y:', '...']),
      text(name),
      maybe(one(['!inner', '!left', '!inner!left', '!x']), 4),
      text('('),
      selectOf(target, depth - 1),
      text(')'),
    ),
  );
  return fc.oneof(...terms, { weight: 3, arbitrary: embed });
}

function selectOf(entity: Name, depth: number): fc.Arbitrary<string> {
  return fc.array(selectTerm(entity, depth), { minLength: 1, maxLength: 3 }).map((terms) => terms.join(','));
}

const operation = join(
  maybe(text('not.'), 4),
  one(OPERATORS),
  maybe(one(['(any)', '(all)', '(x)']), 8),
  text('.'),
  one(OPERANDS),
);

/** A property and what is asked of it, mostly something that it can be asked. */
function comparisonOf(entity: Name): fc.Arbitrary<readonly [string, string]> {
  const fitting = one(PROPERTIES[entity]).chain((name) =>
    fc.tuple(text(name), join(maybe(text('not.'), 4), one([...(FITTING[name] ?? []), 'is.null', 'is.not_null']))),
  );
  const inside = fc.tuple(
    join(one(['data', 'tags']), one(['->>a', '->0->>b', '->a->>b'])),
    join(maybe(text('not.'), 4), one(TEXT)),
  );
  const any = fc.tuple(value(entity), operation);
  return fc.oneof(
    { weight: 20, arbitrary: fitting },
    { weight: entity === 'book' ? 3 : 0, arbitrary: inside },
    { weight: 1, arbitrary: any },
  );
}

function condition(entity: Name, depth: number): fc.Arbitrary<string> {
  const comparison = comparisonOf(entity).map((parts) => parts.join('.'));
  if (depth === 0) return comparison;
  const group = fc
    .tuple(one(['and', 'or', 'not.and', 'not.or']), fc.array(condition(entity, depth - 1), { minLength: 1, maxLength: 3 }))
    .map(([kind, terms]) => `${kind}(${terms.join(',')})`);
  return fc.oneof({ weight: 3, arbitrary: comparison }, { weight: 1, arbitrary: group });
}

const prefix = one([...Array<string>(12).fill(''), 'author.', 'book.', 'x.', 'label.', 'sequel.author.', 'nobody.']);
const prefixed = (comparison: fc.Arbitrary<readonly [string, string]>) =>
  fc.tuple(prefix, comparison).map(([before, [name, asked]]) => [before + name, asked] as const);

const parameter = fc.oneof(
  { weight: 4, arbitrary: prefixed(comparisonOf('book')) },
  { weight: 1, arbitrary: prefixed(comparisonOf('author')) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      join(prefix, one(['or', 'and', 'not.or', 'not.and'])),
      fc.array(condition('book', 2), { minLength: 1, maxLength: 3 }).map((terms) => `(${terms.join(',')})`),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      join(prefix, text('order')),
      join(
        fc.oneof(value('book'), one(['author(name)', 'sequel(title)', 'x(id)', 'count', 'sum'])),
        one(['', '.desc', '.asc.nullsfirst', '.nullslast', '.x']),
      ),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(join(prefix, one(['limit', 'offset'])), one(['0', '1', '5', '-1', 'x'])) },
  { weight: 1, arbitrary: fc.tuple(one(['author', 'book', 'label', 'x']), one(['is.null', 'not.is.null', 'is.true', 'eq.1'])) },
);

/** Pairs of a query string over `book`, not yet encoded. */
export const readQuery: fc.Arbitrary<readonly (readonly [string, string])[]> = fc
  .tuple(
    fc.option(selectOf('book', 3), { freq: 5 }),
    fc.array(parameter, { maxLength: 3 }),
    fc.oneof(
      { weight: 12, arbitrary: fc.constant(null) },
      { weight: 1, arbitrary: fc.tuple(fc.nat(80), one(['', '(', ')', ',', '.', '!', '::', '->', '"'])) },
    ),
  )
  .map(([select, parameters, damage]) => {
    const spoilt = select !== null && damage ? `${select.slice(0, damage[0])}${damage[1]}${select.slice(damage[0])}` : select;
    return [...(spoilt === null ? [] : [['select', spoilt] as const]), ...parameters];
  });
