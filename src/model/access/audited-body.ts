import { isDeepStrictEqual } from 'node:util';
import { type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Entity } from '../entity.js';
import { commitmentTo, newSalt, type Opening } from './commitment.js';
import { personalMembers } from './personal.js';

/** What the audit trail keeps of a change of one record: before and after, personal values as commitments. */

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
  const personal = personalMembers(entity);
  if (personal.size === 0) return { body: JSON.stringify(change), openings: null };
  const openings: [string, Opening][] = [];
  const salts = new Map<string, { readonly salt: Buffer; readonly value: JsonValue }>();
  const committed = (side: 'before' | 'after', content: JsonObject): JsonObject =>
    Object.fromEntries(
      Object.entries(content).map(([name, value]) => {
        if (!personal.has(name) || value === null) return [name, value];
        // What stayed the same has the same commitment, so that the trail shows it.
        const known = salts.get(name);
        const salt = known && isDeepStrictEqual(known.value, value) ? known.salt : newSalt();
        salts.set(name, { salt, value });
        openings.push([pointer(`/${side}`, name), [salt.toString('base64url'), value]]);
        return [name, commitmentTo(salt, value) as unknown as JsonValue];
      }),
    );
  const { before, after } = change;
  const body = JSON.stringify({
    ...(before && { before: committed('before', before) }),
    ...(after && { after: committed('after', after) }),
  });
  return { body, openings: openings.length === 0 ? null : JSON.stringify(Object.fromEntries(openings)) };
}
