import type { MemberPath } from '../model/values/row-writer.js';

/**
 * Tells which members of an answer are kept back from the caller, so that nobody takes what is missing for what is not there:
 * `X-Redacted: salary,customer.email`, each name percent-encoded, those of embedded records behind a path.
 */

const NAME = 'x-redacted';

/** Longer ones end in an asterisk: proxies refuse answers for the size of their headers. Characters. */
const LONGEST = 4_000;

const NONE: Readonly<Record<string, string>> = {};

/** Header texts of what writers keep back: worked out once for each. */
const said = new WeakMap<readonly MemberPath[], Readonly<Record<string, string>>>();

export function keptBackHeader(paths: readonly MemberPath[]): Readonly<Record<string, string>> {
  if (paths.length === 0) return NONE;
  const known = said.get(paths) ?? { [NAME]: textOf(paths) };
  said.set(paths, known);
  return known;
}

function textOf(paths: readonly MemberPath[]): string {
  const names = [...new Set(paths.map((path) => path.map(encoded).join('.')))];
  const text = names.join(',');
  if (text.length <= LONGEST) return text;
  return `${text.slice(0, text.lastIndexOf(',', LONGEST) + 1)}*`;
}

/** Dots and asterisks mean something here. */
function encoded(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E').replaceAll('*', '%2A');
}
