/** What a PATCH can be sent as, and where (RFC 5789 §3.1: Accept-Patch). */

export const MERGE_PATCH = 'application/merge-patch+json';
export const JSON_PATCH = 'application/json-patch+json';

/** Of one record: the only place that takes a JSON patch. */
export const RECORD_ROUTE = '/api/v1/tenants/:tenantId/records/:entity/:id';

/** For the header; undefined for a route that has no PATCH of records. */
export function acceptPatch(route = ''): string | undefined {
  if (route === RECORD_ROUTE) return [MERGE_PATCH, JSON_PATCH, 'application/json'].join(', ');
  return route.endsWith('/:entity') ? [MERGE_PATCH, 'application/json'].join(', ') : undefined;
}

/** The type of a body without its parameters. */
export function mediaTypeOfBody(contentType: string | undefined): string {
  return (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
}
