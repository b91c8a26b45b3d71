/**
 * Values as the text of a one-dimensional Postgres array (manual, "Array Input and Output Syntax"): each in double
 * quotes, so that no value is ever read as NULL, as a number of elements or as the end of the array.
 */
export function arrayLiteral(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/["\\]/g, '\\$&')}"`).join(',')}}`;
}
