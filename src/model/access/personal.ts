import type { Entity, Property } from '../entity.js';

/** Which values the trail holds commitments to. */

interface Committed {
  /** Names of the properties whose values are about a person: what opens the commitments is kept beside them, until it is erased. */
  readonly personal: ReadonlySet<string>;
  /** Names of those whose values are encrypted, about a person or not: what would open the commitments is kept nowhere. */
  readonly sealed: ReadonlySet<string>;
}

export function committedMembers(entity: Entity): Committed {
  const known = members.get(entity);
  if (known) return known;
  const found = {
    personal: namesOf(entity, ({ personal, encrypted }) => personal !== undefined && !encrypted),
    sealed: namesOf(entity, ({ encrypted }) => encrypted !== undefined),
  };
  members.set(entity, found);
  return found;
}

/** Events of its records may have commitments that can be opened. */
export function holdsPersonal(entity: Entity): boolean {
  return committedMembers(entity).personal.size > 0;
}

function namesOf(entity: Entity, isCommitted: (property: Property) => boolean): ReadonlySet<string> {
  return new Set(entity.properties.filter(isCommitted).map(({ name }) => name));
}

const members = new WeakMap<Entity, Committed>();
