import { forbidden } from '../access/forbidden.js';
import { mayPerform, type Operation } from '../access/operations.js';
import type { Principal } from '../access/principal.js';
import type { ReadQuery } from '../model/query/ast.js';
import { tablesRead } from '../model/query/tables-read.js';
import type { RecordCall } from './record-call.js';

/**
 * What the guard cannot see in the path: an API key with scopes may be narrowed to some entities and operations, and a query string asks
 * for more of both. Tokens have no scopes, and their roles permit all of this together.
 */

/** For operations that a request comes to beside that of its route. @throws Problem `auth/forbidden` */
export function assertMayAlso({ principal, entity }: RecordCall, operation: Operation): void {
  if (!mayPerform(principal, operation, entity)) throw forbidden(principal, operation, entity);
}

/** Whatever is embedded, filtered or sorted by is read, junctions included. @throws Problem `auth/forbidden` */
export function assertMayRead({ principal }: { readonly principal: Principal }, query: ReadQuery): void {
  if (!principal.apiKey?.scopes || mayPerform(principal, 'records.read')) return;
  const { entity: own } = query;
  for (const [name, { isRelated }] of tablesRead(query)) {
    // Its own entity is that of the path, unless the query comes back to it.
    if (name === own.name && !isRelated) continue;
    if (!mayPerform(principal, 'records.read', name)) throw forbidden(principal, 'records.read', name);
  }
}
