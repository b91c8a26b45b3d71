/** Regular expressions of the texts that values have in answers, for more than one type, and what a pattern cannot tell. */

export const DATE = '(?!0000)[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])';
export const CLOCK = '([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]([.][0-9]{0,5}[1-9])?';
export const DECIMAL = '-?(0|[1-9][0-9]*)([.][0-9]+)?';

/** Of a text that begins with a date whose month and day are in range. */
export function dayExists(old: string): string {
  const first = `make_date(substr(${old}, 1, 4)::int, substr(${old}, 6, 2)::int, 1)`;
  return `substr(${old}, 9, 2)::int <= extract(day from ${first} + interval '1 month -1 day')`;
}

/** Of a decimal. */
export function hasFewDigits(old: string): string {
  return `char_length(translate(${old}, '-.', '')) <= 1000`;
}
