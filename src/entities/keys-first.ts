import type { KeyOwner, TenantKeys } from '../keys/tenant-keys.js';
import type { Entity } from '../model/entity.js';
import { isSealed } from '../model/sealed/with-ciphers.js';

/**
 * Keys come before the first thing that is encrypted with them: where none are to be had, a definition is refused before anything is made.
 * What is encrypted already stays as it is, whatever became of its keys.
 * @param before null: the entity is new
 * @throws Problem key/no-provider, key/unavailable, key/destroyed
 */
export async function openKeysFirst(keys: TenantKeys, owner: KeyOwner, after: Entity, before: Entity | null): Promise<void> {
  if (encryptsMore(after, before)) await keys.open(owner);
}

function encryptsMore(after: Entity, before: Entity | null): boolean {
  if (!isSealed(after)) return false;
  const known = new Set(before?.properties.filter(({ encrypted }) => encrypted).map(({ name }) => name));
  return after.properties.some(({ name, encrypted }) => encrypted && !known.has(name));
}
