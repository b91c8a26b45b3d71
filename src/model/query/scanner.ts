import { invalidQuery, tooComplex } from './invalid-query.js';

/**
 * A place in the value of one query parameter, and the tokens PostgREST's grammar is made of. Each token is read by one
 * linear pass, so hostile input costs no more than its length.
 */
export class Scanner {
  /** Index into `text` of the next character. */
  at = 0;

  constructor(
    readonly parameter: string,
    readonly text: string,
  ) {}

  get done(): boolean {
    return this.at >= this.text.length;
  }

  startsWith(literal: string): boolean {
    return this.text.startsWith(literal, this.at);
  }

  /** Reads `literal` if it is next. */
  take(literal: string): boolean {
    if (!this.startsWith(literal)) return false;
    this.at += literal.length;
    return true;
  }

  skipSpaces(): void {
    this.run(/[ \t]*/y);
  }

  /**
   * A property name: quoted (`"a.b"`, backslash escapes any character), or bare up to a character that means something
   * (`. , ( ) : ! ->`), spaces around it ignored.
   */
  name(): string {
    this.skipSpaces();
    const start = this.at;
    const quoted = this.quoted();
    if (quoted !== null) {
      this.skipSpaces();
      return quoted;
    }
    const bare = this.run(/(?:[^.,():!-]|-(?!>))*/y).trim();
    if (bare === '' || bare.startsWith('"')) {
      this.fail('a property name is expected here; one that holds any of . , ( ) : ! " is written in double quotes.', start);
    }
    return bare;
  }

  /** A lower-case word, as operators and modifiers are; empty when there is none. */
  word(): string {
    return this.run(/[a-z_]*/y);
  }

  /** The index of a step into an array, `0` or `-1`; null where a name follows. */
  index(): string | null {
    const token = this.run(/-?\d+(?=$|[-.,():!])/y);
    return token === '' ? null : token;
  }

  /** `timestamptz`, `double precision`. */
  typeName(): string {
    return this.run(/[a-z][a-z0-9]*(?: [a-z]+)*/y);
  }

  /** A value of a list: quoted when the quotes enclose all of it, otherwise everything up to `,` or the end of the list. */
  enclosedValue(close: ')' | '}' = ')'): string {
    const start = this.at;
    const quoted = this.quoted();
    if (quoted !== null && (this.done || this.startsWith(',') || this.startsWith(close))) return quoted;
    this.at = start;
    return this.run(close === ')' ? /[^,)]*/y : /[^,}]*/y);
  }

  /** The same, where a range has a comma and a bracket of its own: `[1,5)`. */
  enclosedRange(close: ')' | '}' = ')'): string {
    const range = this.run(/ *[[(][^,()[\]{}]*,[^,()[\]{}]*[\])]/y);
    return range === '' ? this.enclosedValue(close) : range;
  }

  /** The same, where what stands in braces or brackets belongs to the value with its commas: `{a,b}`. */
  enclosedText(): string {
    const start = this.at;
    const quoted = this.quoted();
    if (quoted !== null && (this.done || this.startsWith(',') || this.startsWith(')'))) return quoted;
    this.at = start;
    for (let depth = 0; !this.done; this.at++) {
      const character = this.text[this.at] as string;
      if (character === '"' && this.quoted() !== null) this.at--;
      else if (character === '{' || character === '[') depth++;
      else if (character === '}' || character === ']') depth--;
      else if (depth <= 0 && (character === ',' || character === ')')) break;
    }
    return this.text.slice(start, this.at);
  }

  rest(): string {
    const rest = this.text.slice(this.at);
    this.at = this.text.length;
    return rest;
  }

  fail(message: string, at = this.at): never {
    throw invalidQuery(this.parameter, message, at + 1);
  }

  /** As `fail`, where a limit is exceeded. */
  exceed(message: string, at = this.at): never {
    throw tooComplex(this.parameter, message, at + 1);
  }

  /** null, and nothing read, when there is no closed quotation here. */
  private quoted(): string | null {
    if (!this.startsWith('"')) return null;
    const token = this.run(/"(?:[^"\\]|\\[\s\S])*"/y);
    return token === '' ? null : token.slice(1, -1).replace(/\\([\s\S])/g, '$1');
  }

  private run(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const token = pattern.exec(this.text)?.[0] ?? '';
    this.at += token.length;
    return token;
  }
}
