import fc from 'fast-check';
import { hasDuplicateMembers, MAX_DEPTH, readJson } from './json.js';
import { shownPointer } from './json-faults.js';
import type { Fault } from './problem.js';
import { Problem } from './problem.js';

function read(text: string): unknown {
  return readJson(Buffer.from(text));
}

function problemOf(body: string | Buffer): Problem {
  try {
    readJson(Buffer.from(body as string));
  } catch (error) {
    if (error instanceof Problem) return error;
    throw error;
  }
  throw new Error(`accepted ${body.toString().slice(0, 100)}`);
}

/** `pointer rule` of every fault. */
function faultsOf(body: string): string[] {
  const problem = problemOf(body);
  expect(problem.code).toBe('request/unfaithful-json');
  expect(problem.status).toBe(400);
  return (problem.extensions.errors as readonly Fault[]).map(({ pointer, rule }) => `${pointer} ${rule}`);
}

describe('readJson', () => {
  it.each([
    ['an empty body', '', 'The body is empty; send a JSON value.'],
    ['a byte order mark', '\ufeff{}', 'The body begins with a byte order mark; send UTF-8 without one.'],
    ['UTF-16', Buffer.from('\ufeff{}', 'utf16le'), 'The body is not valid UTF-8.'],
    ['an overlong NUL', Buffer.from([0x22, 0xc0, 0x80, 0x22]), 'The body is not valid UTF-8.'],
    ['a surrogate in UTF-8', Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), 'The body is not valid UTF-8.'],
    ['a broken sequence', Buffer.from([0x22, 0xe2, 0x82, 0x22]), 'The body is not valid UTF-8.'],
    ['nothing but spaces', '  ', 'The body is not valid JSON: it ends too early at line 1, column 3.'],
    ['a missing end', '{"a":[1,', 'The body is not valid JSON: it ends too early at line 1, column 9.'],
    ['a trailing comma', '{"a":1,\n}', 'The body is not valid JSON: something unexpected stands at line 2, column 1.'],
    ['a missing colon', '{"a" 1}', 'The body is not valid JSON: something unexpected stands at line 1, column 6.'],
    ['two values', '[1] 2', 'The body is not valid JSON: something unexpected stands at line 1, column 5.'],
    ['a leading zero', '[01]', 'The body is not valid JSON: something unexpected stands at line 1, column 2.'],
    ['a bare word', '[NaN]', 'The body is not valid JSON: something unexpected stands at line 1, column 2.'],
    ['a raw NUL', '["a\u0000"]', 'The body is not valid JSON: something unexpected stands at line 1, column 4.'],
    ['an unknown escape', '["\\x41"]', 'The body is not valid JSON: something unexpected stands at line 1, column 3.'],
  ])('refuses %s', (_what, body, detail) => {
    expect(problemOf(body)).toMatchObject({ code: 'request/malformed-json', status: 400, detail });
  });

  it('never quotes the body when it refuses it', () => {
    expect(JSON.stringify(problemOf('{"password": hunter2}'))).not.toContain('hunter');
  });

  it('refuses what is nested deeper than it says, before anything recursive sees it', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(read(nested(MAX_DEPTH))).toBeDefined();
    expect(problemOf(nested(MAX_DEPTH + 1)).detail).toBe('The body is nested deeper than 64 levels.');
    expect(problemOf('{"a":'.repeat(20_000)).detail).toBe('The body is nested deeper than 64 levels.');
    expect(read(JSON.stringify('['.repeat(20_000)))).toBe('['.repeat(20_000));
  });

  it('refuses a member that is given twice, naming it each time', () => {
    expect(faultsOf('{"a":1,"b":{"c":1,"d":2,"c":3},"a":2}')).toEqual(['/b/c unique-names', '/a unique-names']);
    expect(faultsOf('[{},{"x/y":1,"x\\/y":2}]')).toEqual(['/1/x~1y unique-names']);
    expect(faultsOf('{"a":1,"\\u0061":1}')).toEqual(['/a unique-names']);
  });

  it('refuses members named __proto__, however they are spelled, and leaves every prototype alone', () => {
    expect(faultsOf('{"__proto__":{"admin":true}}')).toEqual(['/__proto__ name']);
    expect(faultsOf('{"a":[{"\\u005f_proto\\u005F_":1}]}')).toEqual(['/a/0/__proto__ name']);
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
    expect(read('{"constructor":{"prototype":1},"note":"__proto__"}')).toEqual({
      constructor: { prototype: 1 },
      note: '__proto__',
    });
  });

  it('refuses U+0000 and lone surrogates in strings and names', () => {
    expect(faultsOf('{"a":"x\\u0000","b\\u0000":1}')).toEqual(['/a no-nul', '/b\u0000 no-nul']);
    expect(faultsOf('["\\ud800","\\uDC00\\ud83d",{"\\udfff":0}]')).toEqual([
      '/0 well-formed',
      '/1 well-formed',
      '/2/\udfff well-formed',
    ]);
    expect(faultsOf('["\\ud83d\\\\ude00"]')).toEqual(['/0 well-formed']);
  });

  it('keeps what only looks like those', () => {
    expect(read('["\\\\u0000","\\u0001","\\ud83d\\uDE00","😀","\\ud7ff\\ue000"]')).toEqual([
      '\\u0000',
      '\u0001',
      '😀',
      '😀',
      '\ud7ff\ue000',
    ]);
  });

  it.each([
    ...['9007199254740993', '-9007199254740993', '9223372036854775807', '9223372036854775808', '18446744073709551615'],
    ...['1e400', '-1e400', '1e-400', '-0', '-0.0', '-0e5', '0.1234567890123456789012345678901234567890'],
    ...['0.10000000000000001', '3.14159265358979323846', '100000000000000000001', '9007199254740993.0', '9007199254740993e0'],
  ])('refuses the number %s, which would come back changed', (number) => {
    expect(faultsOf(`{"a":[0,${number}]}`)).toEqual(['/a/1 exact-number']);
  });

  it.each([
    ...[
      '0',
      '0.0',
      '0e5',
      '0.1',
      '1e5',
      '1E+5',
      '1.50',
      '1.5e-7',
      '9007199254740991',
      '-9007199254740991',
      '0.30000000000000004',
    ],
    ...['1e20', '100000000000000000000', '1.7976931348623157e308', '5e-324', '-32660174855466670', '0.00000000000000000000001'],
  ])('keeps the number %s', (number) => {
    expect(read(`[${number}]`)).toEqual([Number(number)]);
  });

  it('names at most a hundred places, and no name at full length', () => {
    const errors = problemOf(`[${'-0,'.repeat(500)}{"${'k'.repeat(10_000)}":1e999}]`).extensions.errors!;
    expect(errors).toHaveLength(100);
    expect(shownPointer(`/${'k'.repeat(10_000)}`)).toHaveLength(501);
  });

  it('takes hostile megabytes in passing', () => {
    const before = performance.now();
    problemOf(`[0.${'0'.repeat(1_000_000)}1]`);
    problemOf(`["${'\\ud800'.repeat(200_000)}"]`);
    read(`["${'\\\\'.repeat(500_000)}",${'1,'.repeat(300_000)}1.${'0'.repeat(500_000)}]`);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it('reads every other text as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4, stringUnit: 'grapheme' }), fc.boolean(), (text, ascii) => {
        fc.pre(!/__proto__|\\u0000|-0[,\]}]|^-0$/.test(text));
        const sent = ascii ? text.replace(/[^\x20-\x7e]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`) : text;
        expect(read(sent)).toEqual(JSON.parse(text));
      }),
      { numRuns: 500 },
    );
  });

  it('finds one repeated member wherever it is', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 3 }), fc.jsonValue({ maxDepth: 3 }), fc.string(), (left, right, name) => {
        fc.pre(name !== '__proto__' && !/__proto__|-0|\\u0000/.test(JSON.stringify([left, right, name])));
        const key = JSON.stringify(name);
        const text = `[${JSON.stringify(left)},{${key}:1,${key}:2},${JSON.stringify(right)}]`;
        expect(faultsOf(text)[0]).toContain('/1/');
        expect(hasDuplicateMembers(text)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });
});

describe('hasDuplicateMembers', () => {
  it.each([
    ['{"sub":"a","sub":"b"}', true],
    ['{"a":{"b":1,"b":1}}', true],
    ['{"a":[{"x":1},{"x":1}]}', false],
    ['{"a":"b:c\\"d:e"}', false],
    ['{"a":1,', false],
    ['['.repeat(100_000), true],
  ])('%s: %s', (text, expected) => {
    expect(hasDuplicateMembers(text)).toBe(expected);
  });
});
