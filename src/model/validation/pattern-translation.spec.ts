import fc from 'fast-check';
import { compilePattern } from './pattern.js';
import { translatePattern } from './pattern-translation.js';

/** Characters on which the two syntaxes could disagree. */
const TEXTS = [
  ...[
    '',
    'a',
    'A',
    'b',
    'z',
    '0',
    '9',
    '_',
    '-',
    ' ',
    '\t',
    '\n',
    '\r',
    '\v',
    '\f',
    '\b',
    '\u0000',
    '\u0085',
    '\u00a0',
    '\u1680',
  ],
  ...[
    '\u180e',
    '\u2000',
    '\u200a',
    '\u200b',
    '\u2028',
    '\u2029',
    '\u202f',
    '\u205f',
    '\u3000',
    '\ufeff',
    'é',
    'ß',
    'Ω',
    'я',
    '漢',
  ],
  ...['😀', '[', ']', '^', '$', '\\', '.', '(', ')', '{', '}', '|', '/', '*', '+', '?', ':', '=', '&', '"', '\u0001', '\u001b'],
  ...['aa', 'ab', 'a\n', '\na', 'a.b', 'a-b', 'A1', 'foo bar', 'a\u2028b', '\ud83d'],
];

function expectSame(source: string): void {
  const native = new RegExp(source, 'u');
  const pattern = compilePattern(source);
  for (const text of TEXTS) expect([source, text, pattern.test(text)]).toEqual([source, text, native.test(text)]);
}

describe('translatePattern means the same as ECMAScript for', () => {
  it.each([
    ...['', 'a', '^a$', '^', '$', 'a|b', '^.$', '^..$', '.\\n', '\\s', '^\\S$', '\\d', '\\D', '\\w', '\\W', '\\bfoo\\b', 'a\\Bb'],
    ...['^[\\s]$', '^[\\S]$', '^[^\\s]$', '^[^\\S]$', '^[\\d\\s]$', '^[\\D]$', '^[\\W]$', '^[^\\w-]$', '[]', '[^]', '^[^]$'],
    ...[
      '^[[]$',
      '^[\\]]$',
      '^[[:alpha:]$',
      '^[.$^]$',
      '[a-z]',
      '[\\-a]',
      '[a\\-z]',
      '[+--]',
      '[\\b]',
      '^[^\\n]$',
      '[-a]',
      '[a-]',
    ],
    ...['\\/', '\\.', '\\[', '\\$', '\\t', '\\n', '\\v', '\\f', '\\r', '\\0', '\\cA', '\\x41', '\\u0041'],
    ...['^\\u{1F600}$', '^\\ud83d\\ude00$', '^[\\ud83d\\ude00]$', '^😀$', '^[😀-😁]$', '^[\\u{1F600}-\\u{1F64F}]$', '\\ud83d'],
    ...['\\p{L}', '\\p{Letter}', '\\p{Lu}', '\\p{Uppercase_Letter}', '\\P{L}', '[^\\p{L}]', '[\\p{L}\\d]', '[\\P{L}]', '\\p{Nd}'],
    ...[
      '\\p{Script=Greek}',
      '\\p{sc=Cyrillic}',
      '\\p{gc=Sc}',
      '\\p{General_Category=Decimal_Number}',
      '\\p{ASCII}',
      '\\P{ASCII}',
    ],
    ...['[^\\p{ASCII}]', '\\p{Any}', '\\p{White_Space}', '\\p{Alphabetic}', '\\p{Emoji}', '\\p{Cc}', '\\p{punct}', '\\p{Cs}'],
    ...['(a)', '(?:a)b', '(?<name>a)b', '(?<a>a)|(?<b>b)', 'a{2}', 'a{1,2}', '^a{02}$', 'a{0}', 'a{1,}', 'a??', 'a+?b', '()*'],
    ...['^(?:a|)$', '(a{2}){0}', '\\^', '\\|', '^[\\^]$', '^[a^]$', '^[^^]$', '\\\\', '^[\\\\]$', '^[\\t-\\r]$', '^["\\u0000]$'],
  ])('%j', (source) => expectSame(source));

  it('any combination of them', () => {
    const atom = fc.constantFrom(
      ...[
        'a',
        'b',
        '.',
        '\\s',
        '\\S',
        '\\d',
        '\\w',
        '\\W',
        '\\n',
        '\\.',
        '[ab]',
        '[^a]',
        '[^\\s]',
        '[\\S\\n]',
        '[a-z\\d]',
        '[^]',
      ],
      ...['\\p{L}', '\\P{L}', '\\u{1F600}', '\\u2028', '(?:a|b)', '(a|)', '(?<x>a)', '^', '$', '\\b', '-', '😀', '\\/', '[[\\]]'],
    );
    const quantifier = fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{0,2}');
    const piece = fc.tuple(atom, quantifier).map(([text, count]) => (/^(\^|\$|\\b)$/.test(text) ? text : text + count));
    const pattern = fc
      .array(
        fc.array(piece, { maxLength: 5 }).map((pieces) => pieces.join('')),
        { minLength: 1, maxLength: 3 },
      )
      .map((branches) => branches.join('|'))
      .filter((source) => (source.match(/\(\?<x>/g) ?? []).length < 2);
    fc.assert(fc.property(pattern, expectSame), { numRuns: 300 });
  });
});

it('translates without running into unbounded recursion', () => {
  expect(translatePattern('('.repeat(500) + ')'.repeat(500))).toHaveLength(2_000);
});
