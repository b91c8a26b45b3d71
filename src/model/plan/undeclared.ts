/** What `_extra` says beside the columns, as SQL: undeclared members, and the marks of explicit nulls. */

import { quoteLiteral } from '../sql.js';

/** `_extra -> 'name'`: what a row holds beside its columns under this name. */
export function undeclared(name: string): string {
  return `(_extra -> ${quoteLiteral(name)})`;
}

/** An explicit null: a NULL column says only that there is no value. */
export function explicitNull(name: string): string {
  return `coalesce(${undeclared(name)} = 'null'::jsonb, false)`;
}

/** `_extra` without a member; SQL NULL when nothing is left. */
export function withoutUndeclared(name: string): string {
  return `nullif(_extra - ${quoteLiteral(name)}, '{}'::jsonb)`;
}

/** `_extra` with explicit nulls, each where it is needed. */
export function withNulls(marks: readonly { readonly name: string; readonly needed?: string }[]): string {
  const additions = marks.map(({ name, needed }) => {
    const mark = `jsonb_build_object(${quoteLiteral(name)}, null)`;
    return needed === undefined ? mark : `case when ${needed} then ${mark} else '{}'::jsonb end`;
  });
  return ["coalesce(_extra, '{}'::jsonb)", ...additions].join(' || ');
}
