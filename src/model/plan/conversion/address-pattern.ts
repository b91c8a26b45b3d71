/** Texts that Postgres reads as the address of one host, as a regular expression: a little more than the canonical ones. */

const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4 = `${BYTE}([.]${BYTE}){3}`;
const GROUP = '[0-9a-f]{1,4}';

/** RFC 4291 §2.2: eight groups, or fewer with one `::`; Postgres writes an IPv4 address behind the first 96 bits. */
const IPV6 = [
  `(${GROUP}:){7}${GROUP}`,
  ...[1, 2, 3, 4, 5, 6].map((before) => `(${GROUP}:){1,${before}}(:${GROUP}){1,${7 - before}}`),
  `(${GROUP}:){1,7}:`,
  `:((:${GROUP}){1,7}|:)`,
  `::(ffff:)?${IPV4}`,
];

export const ADDRESS = `^(${[IPV4, ...IPV6].join('|')})$`;
