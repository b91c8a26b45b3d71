/** SQL text and its two kinds of quoting. Values travel as parameters; only DDL, which takes none, writes literals. */

/** A statement ready to send: `$n` placeholders and their values in text format; null is SQL NULL. */
export interface Statement {
  readonly text: string;
  readonly values: readonly (string | null)[];
  /** Prepared once per connection under this name; absent: planned each time. */
  readonly name?: string;
  /** It writes encrypted values or looks for them, under the keys of this epoch: the database is asked whether that is the tenant's. */
  readonly keys?: number;
}

/** The name to prepare a statement's text under. */
export type NameStatement = (text: string) => string;

/** The only way an identifier enters SQL text. */
export function quoteIdent(identifier: string): string {
  if (identifier.includes('\u0000')) throw new Error('an identifier holds U+0000');
  return `"${identifier.replaceAll('"', '""')}"`;
}

/** The only way a value enters DDL text, which takes no parameters. Safe under any standard_conforming_strings. */
export function quoteLiteral(value: string): string {
  if (value.includes('\u0000')) throw new Error('a literal holds U+0000');
  const quoted = `'${value.replaceAll("'", "''")}'`;
  return value.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted;
}
