import { isJsonObject, type JsonValue } from '../../platform/json-value.js';
import type { Entity } from '../entity.js';
import { isCommitment } from './commitment.js';

/** What an event tells of the time before a property was encrypted, whose body can be changed no more: it is shown to nobody. */

export type SealedEntity = Pick<Entity, 'properties' | 'shadows'> & Partial<Pick<Entity, 'keepsExtras'>>;

/** Whether a member of that name is encrypted, or is called otherwise by now and may be that. */
export function mayBeSealed({ properties, shadows = [], keepsExtras }: SealedEntity): (name: string) => boolean {
  if (![...properties, ...shadows].some(({ encrypted }) => encrypted)) return () => false;
  const byName = new Map(properties.map((property) => [property.name, property]));
  const formerNames = new Set(
    properties.flatMap(({ encrypted, renamedFrom, alias }) => {
      // The name for ever is `<name>@<version>`, by the name with which it was first encrypted.
      const first = encrypted?.field?.replace(/@\d+$/, '');
      return encrypted ? [first, renamedFrom, alias?.name] : [];
    }),
  );
  return (name) => {
    const property = byName.get(name);
    return property ? property.encrypted !== undefined : !keepsExtras || formerNames.has(name);
  };
}

/** Names of what may be sealed and of which either version of the record holds a value itself, and no commitment to it. */
export function formerlyPlain(
  isSealed: (name: string) => boolean,
  records: readonly (JsonValue | undefined)[],
): ReadonlySet<string> {
  const plain = records
    .filter(isJsonObject)
    .flatMap((record) => Object.keys(record).filter((name) => record[name] !== null && !isCommitment(record[name])));
  return new Set(plain.filter(isSealed));
}
