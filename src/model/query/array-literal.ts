/**
 * Values as the text of a one-dimensional Postgres array (manual, "Array Input and Output Syntax"): each in double
 * quotes, so that no value is ever read as NULL, as a number of elements or as the end of the array.
 */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map(element).join(',')}}`;
}

/** The same of what `read` finds in each item, where NULL is the only element without quotes. Built up in one string. */
export function nullableArrayLiteral<T>(items: readonly T[], read: (item: T) => string | null): string {
  let text = '{';
  for (const item of items) {
    const value = read(item);
    text += `${text === '{' ? '' : ','}${value === null ? 'NULL' : element(value)}`;
  }
  return `${text}}`;
}

function element(value: string): string {
  return `"${NEEDS_ESCAPE.test(value) ? value.replaceAll(/["\\]/g, '\\$&') : value}"`;
}

const NEEDS_ESCAPE = /["\\]/;
