/**
 * The text of a double as the API returns it (`values.ts`): Postgres' own as long as it is short, otherwise the shortest
 * digits of ECMAScript (Number::toString), written out between 1e-6 and 1e21.
 *
 * The two choose the same digits except where the shortest text lies on the very edge of the double's interval: Postgres does
 * not take it then. Such an edge is a number of 54 bits and at most 16 digits, hence between 2^53 and 1e39: there the shorter
 * texts are tried. No number with up to 15 digits has a neighbour of that length in the interval, so rounding finds it; with
 * 16 digits, rounding the 17 that Postgres prints goes the wrong way for some hundred numbers, and cutting the last one off
 * finds those.
 */

/** SQL text of the double `old`, which is finite. */
export function doubleText(old: string): string {
  const printed = `${old}::text`;
  const shortest = shortestText(old);
  return [
    `case when char_length(${printed}) <= 15 or abs(${old}) >= 1e39 then ${printed}`,
    `when abs(${old}) < 1e-6 then replace(${printed}, 'e-0', 'e-')`,
    `when abs(${old}) < 9007199254740992 then ${printed}::numeric::text`,
    `when abs(${old}) < 1e21 then ${shortest}::numeric::text`,
    `else ${shortest} end`,
  ].join(' ');
}

/** With an exponent, as Postgres prints numbers of this size. The cast to numeric rounds to 15 digits. */
function shortestText(old: string): string {
  const printed = `${old}::text`;
  const texts = [
    withExponent(`${old}::numeric`, 15),
    withExponent(`${printed}::numeric`, 16),
    `regexp_replace(${printed}, '[0-9]e', 'e')`,
  ];
  return `(case ${texts.map((text) => `when ${text}::float8 = ${old} then ${text}`).join(' ')} else ${printed} end)`;
}

/** Without zeros at the end. to_char rounds a 9.99… to 10 and keeps the exponent: such a one has had its turn with 15 digits. */
function withExponent(value: string, digits: number): string {
  return `regexp_replace(ltrim(to_char(${value}, '9.${'9'.repeat(digits - 1)}EEEE')), '[.]?0*e', 'e')`;
}
