import type { Entity } from '../entity.js';

/** Names of the properties whose values are about a person: the trail holds commitments to them. */
export function personalMembers(entity: Entity): ReadonlySet<string> {
  const known = members.get(entity);
  if (known) return known;
  const found = new Set(entity.properties.flatMap(({ name, personal }) => (personal ? [name] : [])));
  members.set(entity, found);
  return found;
}

export function holdsPersonal(entity: Entity): boolean {
  return personalMembers(entity).size > 0;
}

const members = new WeakMap<Entity, ReadonlySet<string>>();
