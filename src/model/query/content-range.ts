/**
 * The Content-Range of a list (RFC 9110 §14.4, PostgREST's unitless form): `0-19/41`, `0-19/*` when the total is not
 * known, and `*` for the rows of an empty page. Used by the records controller.
 */
export function contentRange(offset: number, returned: number, total: number | null): string {
  const rows = returned === 0 ? '*' : `${offset}-${offset + returned - 1}`;
  return `${rows}/${total ?? '*'}`;
}
