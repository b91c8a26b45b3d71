/**
 * Rewrites a regular expression from ECMAScript syntax (ECMA-262, `u` flag, as JSON Schema asks for) into RE2 syntax with
 * the same meaning. The two look alike and differ in `.`, `\s`, `[]`, escapes, property names and group syntax.
 */

const SPACES = String.raw`\x{9}-\x{d}\x{20}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}\x{feff}`;
const NOT_SPACES =
  String.raw`\x{0}-\x{8}\x{e}-\x{1f}\x{21}-\x{9f}\x{a1}-\x{167f}\x{1681}-\x{1fff}\x{200b}-\x{2027}` +
  String.raw`\x{202a}-\x{202e}\x{2030}-\x{205e}\x{2060}-\x{2fff}\x{3001}-\x{fefe}\x{ff00}-\x{10ffff}`;
const ANY = String.raw`[\x{0}-\x{10ffff}]`;
const NONE = String.raw`[^\x{0}-\x{10ffff}]`;
const DOT = String.raw`[^\x{a}\x{d}\x{2028}\x{2029}]`;

const CONTROLS: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

/** RE2 knows general categories by their short names only (Unicode Character Database, PropertyValueAliases). */
const CATEGORIES: ReadonlyMap<string, string> = new Map(
  (
    'L=Letter Lu=Uppercase_Letter Ll=Lowercase_Letter Lt=Titlecase_Letter LC=Cased_Letter Lm=Modifier_Letter Lo=Other_Letter ' +
    'M=Mark M=Combining_Mark Mn=Nonspacing_Mark Mc=Spacing_Mark Me=Enclosing_Mark N=Number Nd=Decimal_Number Nd=digit ' +
    'Nl=Letter_Number No=Other_Number P=Punctuation P=punct Pc=Connector_Punctuation Pd=Dash_Punctuation Ps=Open_Punctuation ' +
    'Pe=Close_Punctuation Pi=Initial_Punctuation Pf=Final_Punctuation Po=Other_Punctuation S=Symbol Sm=Math_Symbol ' +
    'Sc=Currency_Symbol Sk=Modifier_Symbol So=Other_Symbol Z=Separator Zs=Space_Separator Zl=Line_Separator ' +
    'Zp=Paragraph_Separator C=Other Cc=Control Cc=cntrl Cf=Format Cs=Surrogate Co=Private_Use Cn=Unassigned'
  )
    .split(' ')
    .map((pair) => pair.split('=').reverse() as [string, string]),
);

/** One atom read at a position: either a code point or, in RE2 spelling for inside brackets, a set of them. */
interface Atom {
  readonly end: number;
  readonly codePoint?: number;
  readonly set?: string;
}

/**
 * The same expression for RE2. `source` must already be valid under the `u` flag.
 * @throws Error naming the construct when RE2 has none like it: look-around, back-references, Script_Extensions.
 */
export function translatePattern(source: string): string {
  let out = '';
  for (let at = 0; at < source.length; ) {
    const step = source[at] === '[' ? translateClass(source, at) : translateOne(source, at);
    out += step.text;
    at = step.end;
  }
  return out;
}

interface Step {
  readonly text: string;
  readonly end: number;
}

function translateOne(source: string, at: number): Step {
  switch (source[at]) {
    case '.':
      return { text: DOT, end: at + 1 };
    case '(':
      return translateGroup(source, at);
    case '{':
      return translateRepeat(source, at);
    case '^':
    case '$':
    case '|':
    case ')':
    case '*':
    case '+':
    case '?':
      return { text: source[at]!, end: at + 1 };
    case '\\':
      if (source[at + 1] === 'b' || source[at + 1] === 'B') return { text: source.slice(at, at + 2), end: at + 2 };
  }
  const atom = readAtom(source, at);
  return { text: atom.set === undefined ? character(atom.codePoint!) : `[${atom.set}]`, end: atom.end };
}

/** Every group becomes a non-capturing one: nothing refers back to it. */
function translateGroup(source: string, at: number): Step {
  if (source[at + 1] !== '?') return { text: '(?:', end: at + 1 };
  if (source.startsWith('(?:', at)) return { text: '(?:', end: at + 3 };
  const [around] = /^\(\?<?[=!]/.exec(source.slice(at, at + 4)) ?? [];
  if (around !== undefined) {
    throw new Error(`uses look-around "${around}" at position ${at + 1}, which cannot be matched in linear time`);
  }
  if (source[at + 2] === '<') return { text: '(?:', end: source.indexOf('>', at) + 1 };
  throw new Error(`uses the group syntax "${source.slice(at, at + 4)}" at position ${at + 1}, which is not supported`);
}

function translateRepeat(source: string, at: number): Step {
  const [text, min = '', comma = '', max = ''] = /^\{(\d+)(,?)(\d*)\}/.exec(source.slice(at))!;
  const counts = [min, max].map((digits) => (digits === '' ? '' : String(Number(digits))));
  if (counts.some((count) => Number(count) > 1000)) {
    throw new Error(`repeats "${text}" at position ${at + 1}: at most 1000 repetitions are supported`);
  }
  return { text: `{${counts[0]}${comma}${counts[1]}}`, end: at + text.length };
}

function translateClass(source: string, start: number): Step {
  const negated = source[start + 1] === '^';
  let at = start + (negated ? 2 : 1);
  let items = '';
  while (source[at] !== ']') {
    const low = readAtom(source, at, true);
    at = low.end;
    if (low.set !== undefined) {
      items += low.set;
    } else if (source[at] === '-' && source[at + 1] !== ']') {
      const high = readAtom(source, at + 1, true);
      items += `${character(low.codePoint!)}-${character(high.codePoint!)}`;
      at = high.end;
    } else {
      items += character(low.codePoint!);
    }
  }
  if (items === '') return { text: negated ? ANY : NONE, end: at + 1 };
  return { text: `[${negated ? '^' : ''}${items}]`, end: at + 1 };
}

function readAtom(source: string, at: number, inClass = false): Atom {
  if (source[at] !== '\\') {
    const codePoint = source.codePointAt(at)!;
    return { codePoint, end: at + (codePoint > 0xffff ? 2 : 1) };
  }
  const letter = source[at + 1]!;
  const end = at + 2;
  switch (letter) {
    case 'd':
    case 'D':
    case 'w':
    case 'W':
      return { set: `\\${letter}`, end };
    case 's':
      return { set: SPACES, end };
    case 'S':
      return { set: NOT_SPACES, end };
    case 'p':
    case 'P':
      return readProperty(source, at);
    case 'b':
      if (inClass) return { codePoint: 8, end };
      break;
    case 'c':
      return { codePoint: source.charCodeAt(end) % 32, end: end + 1 };
    case 'x':
      return { codePoint: Number.parseInt(source.slice(end, end + 2), 16), end: end + 2 };
    case 'u':
      return readUnicodeEscape(source, at);
  }
  const control = CONTROLS[letter];
  if (control !== undefined) return { codePoint: control, end };
  if (/[1-9k]/.test(letter)) {
    throw new Error(`uses the back-reference "\\${letter}" at position ${at + 1}, which cannot be matched in linear time`);
  }
  return { codePoint: letter.codePointAt(0)!, end };
}

/** `\uD83D\uDE00` is one code point under the `u` flag. */
function readUnicodeEscape(source: string, at: number): Atom {
  const [text, braced, high, low] = /^\\u(?:\{([0-9a-f]+)\}|(d[89ab][0-9a-f]{2})\\u(d[c-f][0-9a-f]{2})|[0-9a-f]{4})/i.exec(
    source.slice(at),
  )!;
  const end = at + text.length;
  if (braced !== undefined) return { codePoint: Number.parseInt(braced, 16), end };
  if (high === undefined || low === undefined) return { codePoint: Number.parseInt(text.slice(2), 16), end };
  return { codePoint: String.fromCharCode(Number.parseInt(high, 16), Number.parseInt(low, 16)).codePointAt(0)!, end };
}

function readProperty(source: string, at: number): Atom {
  const [text, letter, key, value] = /^\\([pP])\{(?:([^=}]*)=)?([^}]*)\}/.exec(source.slice(at))!;
  const end = at + text.length;
  if (key === 'Script_Extensions' || key === 'scx') throw new Error(`uses "${text}", which is not supported: use Script instead`);
  if (key === undefined && value === 'ASCII') {
    return { set: letter === 'p' ? String.raw`\x{0}-\x{7f}` : String.raw`\x{80}-\x{10ffff}`, end };
  }
  const name = key === 'Script' || key === 'sc' ? value! : (CATEGORIES.get(value!) ?? value!);
  return { set: `\\${letter}{${name}}`, end };
}

function character(codePoint: number): string {
  const text = String.fromCodePoint(codePoint);
  return /^[A-Za-z0-9]$/.test(text) ? text : `\\x{${codePoint.toString(16)}}`;
}
