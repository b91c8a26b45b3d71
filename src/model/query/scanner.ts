import { invalidQuery } from './invalid-query.js';

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

  /** A value inside parentheses: quoted when the quotes enclose all of it, otherwise everything up to `,` or `)`. */
  enclosedValue(): string {
    const start = this.at;
    const quoted = this.quoted();
    if (quoted !== null && (this.done || this.startsWith(',') || this.startsWith(')'))) return quoted;
    this.at = start;
    return this.run(/[^,)]*/y);
  }

  rest(): string {
    const rest = this.text.slice(this.at);
    this.at = this.text.length;
    return rest;
  }

  fail(message: string, at = this.at): never {
    throw invalidQuery(this.parameter, message, at + 1);
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
