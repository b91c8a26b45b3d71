/**
 * Values as the text of a one-dimensional Postgres array (manual, "Array Input and Output Syntax"): each in double
 * quotes, so that no value is ever read as NULL, as a number of elements or as the end of the array.
 */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map(element).join(',')}}`;
}

/** The same where elements may be SQL NULL: the only element without quotes. */
export function nullableArrayLiteral(values: readonly (string | null)[]): string {
  return `{${values.map((value) => (value === null ? 'NULL' : element(value))).join(',')}}`;
}

function element(value: string): string {
  return `"${NEEDS_ESCAPE.test(value) ? value.replaceAll(/["\\]/g, '\\$&') : value}"`;
}

const NEEDS_ESCAPE = /["\\]/;
