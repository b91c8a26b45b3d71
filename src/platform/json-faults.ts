import { pointer } from './json-value.js';
import type { Fault } from './problem.js';

/**
 * The second, slow reading of a JSON text that was refused: it says where the faults are. Used by `readJson`, which knows that
 * the text is nested no deeper than recursion can bear.
 */

const MAX_FAULTS = 100;
const MAX_POINTER = 500;

/**
 * The places of a JSON text whose values could not be stored and returned unchanged, at most MAX_FAULTS of them.
 * @throws SyntaxError when the text is not JSON.
 */
export function findFaults(text: string): readonly Fault[] {
  return new FaultReader(text).faults();
}

/** Where and why JSON.parse stopped, without quoting the body. */
export function syntaxFault(text: string): string {
  const reader = new FaultReader(text);
  try {
    reader.faults();
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const before = text.slice(0, reader.at);
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  const what = reader.at >= text.length ? 'it ends too early' : 'something unexpected stands';
  return `${what} at line ${line}, column ${column}`;
}

/** A pointer as it is shown in an error body: a client's megabyte-long name is not sent back a hundred times. */
export function shownPointer(path: string): string {
  return path.length <= MAX_POINTER ? path : `${path.slice(0, MAX_POINTER)}…`;
}

/**
 * Whether the decimal written in `token` is exactly what its double prints as. So 9007199254740993 is refused and 1e20 is not,
 * however it is spelled: what the store prints for a large double can be sent back.
 */
export function isExactNumber(token: string): boolean {
  const value = Number(token);
  if (!Number.isFinite(value)) return false;
  if (Object.is(value, -0)) return false;
  return plainDecimal(token) === plainDecimal(String(value));
}

/** `-12.50e3` as `-125e2`: one spelling for each decimal value. Loops, since /0+$/ is quadratic on a hostile token. */
function plainDecimal(token: string): string {
  const [mantissa = '', exponent = '0'] = token.toLowerCase().split('e');
  const negative = mantissa.startsWith('-');
  const [whole = '', fraction = ''] = mantissa.slice(negative ? 1 : 0).split('.');
  const digits = whole + fraction;
  let from = 0;
  let to = digits.length;
  while (from < to && digits[from] === '0') from++;
  while (to > from && digits[to - 1] === '0') to--;
  if (from === to) return '0';
  return `${negative ? '-' : ''}${digits.slice(from, to)}e${Number(exponent) - fraction.length + digits.length - to}`;
}

const PLAIN_ESCAPES = '"\\/bfnrt';

/** Reads a text a second time, member by member, to say where its faults are. Recursion is safe: MAX_DEPTH was checked. */
class FaultReader {
  at = 0;
  private readonly found: Fault[] = [];

  constructor(private readonly text: string) {}

  /** At most MAX_FAULTS. Throws SyntaxError with `at` on the spot when the text is not JSON. */
  faults(): readonly Fault[] {
    this.value('');
    if (this.at < this.text.length) throw new SyntaxError();
    return this.found;
  }

  private value(path: string): void {
    this.space();
    const char = this.text[this.at];
    if (char === '{') this.object(path);
    else if (char === '[') this.array(path);
    else if (char === '"') this.checkText(path, this.string(), 'string');
    else this.scalar(path);
    this.space();
  }

  private object(path: string): void {
    const names = new Set<string>();
    this.at++;
    this.space();
    if (this.taken('}')) return;
    do {
      this.space();
      const name = this.string();
      const place = pointer(path, name);
      this.checkText(place, name, 'member name');
      if (names.has(name)) this.fault(place, 'unique-names', 'this member is given twice; send it once');
      if (name === '__proto__') this.fault(place, 'name', 'a member cannot have this name; rename it');
      names.add(name);
      this.space();
      this.expect(':');
      this.value(place);
    } while (this.taken(','));
    this.expect('}');
  }

  private array(path: string): void {
    let index = 0;
    this.at++;
    this.space();
    if (this.taken(']')) return;
    do this.value(pointer(path, index++));
    while (this.taken(','));
    this.expect(']');
  }

  private scalar(path: string): void {
    const token = /[\w.+-]*/y;
    token.lastIndex = this.at;
    const word = token.exec(this.text)![0];
    if (word !== 'true' && word !== 'false' && word !== 'null') {
      if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(word)) throw new SyntaxError();
      if (!isExactNumber(word)) {
        const message =
          'this number would come back changed: a double cannot hold it, or it is a negative zero; send it as a string';
        this.fault(path, 'exact-number', message);
      }
    }
    this.at += word.length;
  }

  private string(): string {
    if (this.text[this.at] !== '"') throw new SyntaxError();
    const start = this.at++;
    for (; this.text[this.at] !== '"'; this.at++) {
      // Also true at the end of the text, where the code is NaN.
      if (!(this.text.charCodeAt(this.at) >= 0x20)) throw new SyntaxError();
      if (this.text[this.at] !== '\\') continue;
      const escaped = this.text[this.at + 1] ?? '';
      const hex = escaped === 'u' && /^[0-9a-fA-F]{4}$/.test(this.text.slice(this.at + 2, this.at + 6));
      if (!hex && (escaped === '' || !PLAIN_ESCAPES.includes(escaped))) throw new SyntaxError();
      this.at += hex ? 5 : 1;
    }
    this.at++;
    return JSON.parse(this.text.slice(start, this.at));
  }

  private checkText(path: string, text: string, what: string): void {
    if (text.includes('\u0000')) this.fault(path, 'no-nul', `this ${what} holds U+0000, which cannot be stored; remove it`);
    if (/\p{Surrogate}/u.test(text)) {
      this.fault(path, 'well-formed', `this ${what} holds half of a surrogate pair; send both halves or none`);
    }
  }

  private fault(path: string, rule: string, message: string): void {
    if (this.found.length < MAX_FAULTS) this.found.push({ pointer: shownPointer(path), rule, message });
  }

  private space(): void {
    while (' \t\n\r'.includes(this.text[this.at] ?? 'end')) this.at++;
  }

  private taken(char: string): boolean {
    if (this.text[this.at] !== char) return false;
    this.at++;
    return true;
  }

  private expect(char: string): void {
    if (!this.taken(char)) throw new SyntaxError();
  }
}
