import type { Entity, Property } from '../entity.js';
import type { VersionStep } from '../plan/lineage.js';
import { beforeStep, type Trace } from './origins.js';

/**
 * What is never returned is not returned from the past either: properties that are `writeOnly` in any version were so in those
 * before it, under whatever name or none.
 * @param steps from the oldest version to the newest, without a gap.
 * @returns the entities of the steps, in which such properties are `writeOnly`, also those that records held undeclared.
 */
export function withHiddenMembers(steps: readonly VersionStep[]): readonly Entity[] {
  const found: Entity[] = [];
  let secrets: Secrets = { traced: new Map(), undeclared: new Map() };
  for (let index = steps.length - 1; index >= 0; index--) {
    const [step, after] = [steps[index] as VersionStep, steps[index + 1]];
    if (after) secrets = backwards(step, after, secrets);
    found.unshift(hidden(step.entity, secrets));
    for (const property of step.entity.properties.filter(({ writeOnly }) => writeOnly)) {
      add(secrets.traced, { name: property.name }, [property]);
    }
  }
  return found;
}

/** The secrets of later versions. */
interface Secrets {
  /** By where their values were, those that were properties by then. */
  readonly traced: Map<string, { readonly trace: Trace; readonly secrets: Map<string, Property> }>;
  /** By their names later, those that were none yet. */
  readonly undeclared: Map<string, Property>;
}

function backwards(before: VersionStep, step: VersionStep, { traced, undeclared }: Secrets): Secrets {
  const back = beforeStep(before, step);
  const moved: Secrets = { traced: new Map(), undeclared };
  for (const { trace, secrets } of traced.values()) {
    const earlier = back(trace);
    if (earlier) add(moved.traced, earlier, secrets.values());
    else for (const [name, secret] of secrets) undeclared.set(name, secret);
  }
  return moved;
}

function add(traced: Secrets['traced'], trace: Trace, secrets: Iterable<Property>): void {
  const key = JSON.stringify(trace);
  const known = traced.get(key) ?? { trace, secrets: new Map<string, Property>() };
  for (const secret of secrets) known.secrets.set(secret.name, secret);
  traced.set(key, known);
}

function hidden(entity: Entity, { traced, undeclared }: Secrets): Entity {
  const names = new Set(entity.properties.map(({ name }) => name));
  const traces = [...traced.values()];
  const secret = new Set(traces.flatMap(({ trace }) => ('name' in trace ? [trace.name] : [])));
  // What was dropped meanwhile may have been sent undeclared.
  const dropped = traces.flatMap(({ trace, secrets }) => ('hidden' in trace ? [...secrets.values()] : []));
  const unknown = new Map([...undeclared.values(), ...dropped].map((property) => [property.name, property]));
  const held = [...unknown.values()].filter(({ name }) => !names.has(name));
  if (secret.size === 0 && held.length === 0) return entity;
  const properties = entity.properties.map((each) => (secret.has(each.name) ? { ...each, writeOnly: true } : each));
  return { ...entity, properties: [...properties, ...held] };
}
