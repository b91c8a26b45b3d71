import type { Access } from '../access/access.js';
import type { DefinedEntity } from '../entities/defined-entity.js';
import type { Property } from '../model/entity.js';

/** What the documents of the tenant's entities keep from a caller, for those who build its screens. */

/** Names of properties. */
interface KeptFields {
  readonly hidden?: readonly string[];
  readonly redacted?: readonly string[];
  /** Can be read at most. */
  readonly fixed?: readonly string[];
}

type Entities = ReadonlyMap<string, DefinedEntity>;

const RECORDS = ['records.read', 'records.create', 'records.update'] as const;

/** @returns by entity, those alone that keep something from the caller, who may do something with their records */
export function keptFields(all: Entities, seen: Entities, access: Access): Record<string, KeptFields> {
  const kept = [...seen].filter(
    ([name, defined]) => defined !== all.get(name) && RECORDS.some((operation) => access.may(operation, name)),
  );
  return Object.fromEntries(kept.map(([name, { entity }]) => [name, keptOf(entity.properties)]));
}

function keptOf(properties: readonly Property[]): KeptFields {
  const named = (member: string, isKept: (property: Property) => boolean): object => {
    const names = properties.filter(isKept).map(({ name }) => name);
    return names.length === 0 ? {} : { [member]: names };
  };
  return {
    ...named('hidden', ({ hidden }) => hidden === true),
    ...named('redacted', ({ redacted }) => redacted !== undefined),
    ...named('fixed', ({ fixed }) => fixed === true),
  };
}
