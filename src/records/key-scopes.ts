import type { Access } from '../access/access.js';
import { forbidden } from '../access/forbidden.js';
import type { Operation } from '../access/operations.js';
import type { ReadQuery } from '../model/query/ast.js';
import { tablesRead } from '../model/query/tables-read.js';
import type { RecordCall } from './record-call.js';

/**
 * What the guard cannot see in the path: an API key with scopes, a role of the tenant's own and an access grant may permit some
 * operations on some entities, and a query string asks for more of both. Built-in roles permit all of this together.
 */

/** For operations that a request comes to beside that of its route. @throws Problem `auth/forbidden` */
export function assertMayAlso({ access, entity }: RecordCall, operation: Operation): void {
  if (!access.may(operation, entity)) throw forbidden(access, operation, entity);
}

/** Whatever is embedded, filtered or sorted by is read, junctions included. @throws Problem `auth/forbidden` */
export function assertMayRead({ access }: { readonly access: Access }, query: ReadQuery): void {
  if (access.may('records.read')) return;
  const { entity: own } = query;
  for (const [name, { isRelated }] of tablesRead(query)) {
    // Its own entity is that of the path, unless the query comes back to it.
    if (name === own.name && !isRelated) continue;
    if (!access.may('records.read', name)) throw forbidden(access, 'records.read', name);
  }
}
