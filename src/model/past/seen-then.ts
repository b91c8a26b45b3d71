import { type Sight, viewOf } from '../access/entity-view.js';
import { type Entity, isReadable, type Property } from '../entity.js';
import type { VersionStep } from '../plan/lineage.js';
import { keptBackAs, withHiddenMembers } from './hidden-members.js';
import { originsOf } from './origins.js';

/** What a caller sees of records as they were under former versions of a document, by the names of now. */
export interface SeenThen {
  /** As the caller sees it now, but for what was kept back from it by one of the versions. The very entity where nothing was. */
  readonly entity: Entity;
  /** Aligned with the steps: what is kept back now, or was later, and may have been undeclared in them. */
  readonly withheld: readonly (readonly string[])[];
}

/**
 * @param entity the newest, as the caller sees it
 * @param steps from the oldest version to the newest, without a gap
 * @param since of these versions the documents say what is kept back
 */
export function seenThen(entity: Entity, steps: readonly VersionStep[], sight: Sight, since: number): SeenThen {
  const seen = withHiddenMembers(steps.map((step) => ({ ...step, entity: viewOf(step.entity, sight) })));
  const origins = originsOf(steps);
  const former = new Map<string, Property[]>();
  for (const [index, step] of steps.entries()) {
    if (step.version < since) continue;
    const then = new Map(seen[index]?.properties.map((property) => [property.name, property]));
    for (const [name, { name: was }] of origins[index] ?? []) {
      const property = then.get(was);
      if (property && !isReadable(property)) former.set(name, [...(former.get(name) ?? []), property]);
    }
  }
  const properties = entity.properties.map((property) => {
    const was = isReadable(property) ? former.get(property.name) : undefined;
    return was ? keptBackAs(property, was) : property;
  });
  const isSame = properties.every((property, index) => property === entity.properties[index]);
  const withheld = steps.map((step, index) => {
    return (seen[index]?.properties ?? []).slice(step.entity.properties.length).map(({ name }) => name);
  });
  return { entity: isSame ? entity : { ...entity, properties }, withheld };
}
