import type { Row } from '../database/statement-batch.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import { etagOf } from '../http/precondition.js';
import { REST_BASE } from '../http/rest-base.js';
import { contentRange } from '../model/query/content-range.js';
import type { RecordCall, Surface } from './record-call.js';
import { recordSql } from './record-sql.js';
import type { WriteRequest } from './write-request.js';

/**
 * How many records a write was about. PostgREST says so in every answer, if only with asterisks; a change names its rows besides.
 * @param listed records whose places are named; 0 where they have none.
 */
export function rangeHeader(surface: Surface, { preferences }: WriteRequest, total: number, listed = 0): Record<string, string> {
  if (surface === 'api' && preferences.count === undefined) return {};
  return { 'content-range': contentRange(0, listed, preferences.count === undefined ? null : total) };
}

/** Where one record that was sent as an object is found, and its tag. */
export function insertedHeaders(
  { tenant, entity: name, body, surface }: RecordCall,
  defined: DefinedEntity,
  request: WriteRequest,
  rows: readonly Row[],
): Record<string, string> {
  const headers = rangeHeader(surface, request, rows.length);
  const [first] = rows;
  if (Array.isArray(body) || !first) return headers;
  const { idAt, revisionAt } = recordSql(defined);
  const id = first[idAt] as string;
  if (surface === 'api') {
    const etag = etagOf(first[revisionAt] as string, defined.version);
    return { ...headers, location: `/api/v1/tenants/${tenant.id}/records/${name}/${id}`, etag };
  }
  const isWanted = request.preferences.return === 'headers-only';
  return isWanted ? { ...headers, location: `${REST_BASE}/${encodeURIComponent(name)}?id=eq.${id}` } : headers;
}
