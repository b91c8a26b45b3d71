import { isDeepStrictEqual } from 'node:util';
import { type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Entity } from '../entity.js';
import { commitmentTo, newSalt, type Opening } from './commitment.js';
import { committedMembers } from './personal.js';

/** What the audit trail keeps of a change of one record: before and after, personal and encrypted values as commitments. */

export interface AuditedBody {
  /** JSON text, which is hashed as it is. */
  readonly body: string;
  /** JSON text: what opens the commitments, by their places in the body. null: there are none. */
  readonly openings: string | null;
}

export interface AuditedChange {
  readonly before?: JsonObject;
  readonly after?: JsonObject;
}

/** @param change without system members, and without what is never returned to anybody */
export function auditedBody(entity: Entity, change: AuditedChange): AuditedBody {
  const { personal, sealed } = committedMembers(entity);
  if (personal.size === 0 && sealed.size === 0) return { body: JSON.stringify(change), openings: null };
  const openings: [string, Opening][] = [];
  const salts = new Map<string, { readonly salt: Buffer; readonly value: JsonValue }>();
  const committed = (side: 'before' | 'after', content: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(content).map(([name, value]) => {
        const isSealed = sealed.has(name);
        if ((!isSealed && !personal.has(name)) || value === null) return [name, value];
        // What stayed the same has the same commitment, so that the trail shows it. Salts are of one event and one value.
        const known = salts.get(name);
        const salt = known && isDeepStrictEqual(known.value, value) ? known.salt : newSalt();
        salts.set(name, { salt, value });
        const commitment = commitmentTo(salt, value);
        if (isSealed) return [name, { ...commitment, sealed: true }];
        openings.push([pointer(`/${side}`, name), [salt.toString('base64url'), value]]);
        return [name, { ...commitment }];
      }),
    );
  const { before, after } = change;
  const body = JSON.stringify({
    ...(before && { before: committed('before', before) }),
    ...(after && { after: committed('after', after) }),
  });
  return { body, openings: openings.length === 0 ? null : JSON.stringify(Object.fromEntries(openings)) };
}
