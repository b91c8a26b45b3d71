import { stricter } from '../access/redaction.js';
import { type Entity, isReadable, type Property } from '../entity.js';
import type { VersionStep } from '../plan/lineage.js';
import { beforeStep, type Trace } from './origins.js';

/**
 * What is kept from a caller is kept from it in the past too: properties that are `writeOnly`, hidden or redacted in any version were so
 * in those before it, under whatever name or none.
 * @param steps from the oldest version to the newest, without a gap, each as the caller sees it.
 * @returns the entities of the steps, in which such properties are so, also those that records held undeclared.
 */
export function withHiddenMembers(steps: readonly VersionStep[]): readonly Entity[] {
  const found: Entity[] = [];
  let secrets: Secrets = { traced: new Map(), undeclared: new Map() };
  for (let index = steps.length - 1; index >= 0; index--) {
    const [step, after] = [steps[index] as VersionStep, steps[index + 1]];
    if (after) secrets = backwards(step, after, secrets);
    const seen = hidden(step.entity, secrets);
    found.unshift(seen);
    for (const property of seen.properties.slice(0, step.entity.properties.length)) {
      if (!isReadable(property)) add(secrets.traced, { name: property.name }, [property]);
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

/** Those of the entity come first, and behind them what it does not declare. */
function hidden(entity: Entity, { traced, undeclared }: Secrets): Entity {
  const names = new Set(entity.properties.map(({ name }) => name));
  const traces = [...traced.values()];
  const secret = new Map(
    traces.flatMap(({ trace, secrets }) => ('name' in trace ? [[trace.name, [...secrets.values()]] as const] : [])),
  );
  // What was dropped meanwhile may have been sent undeclared.
  const dropped = traces.flatMap(({ trace, secrets }) => ('hidden' in trace ? [...secrets.values()] : []));
  const unknown = new Map([...undeclared.values(), ...dropped].map((property) => [property.name, property]));
  const held = [...unknown.values()].filter(({ name }) => !names.has(name));
  if (secret.size === 0 && held.length === 0) return entity;
  const properties = entity.properties.map((each) => {
    const later = secret.get(each.name);
    return later ? keptBackAs(each, later) : each;
  });
  return { ...entity, properties: [...properties, ...held.map(unshown)] };
}

/** The property, of which as much is kept back as of each of the others. */
export function keptBackAs(property: Property, others: readonly Property[]): Property {
  const all = [property, ...others];
  const redacted = all.flatMap((each) => each.redacted ?? []);
  return {
    ...property,
    writeOnly: all.some(({ writeOnly }) => writeOnly),
    ...(all.some((each) => each.hidden) && { hidden: true as const }),
    ...(redacted.length > 0 && { redacted: redacted.reduce(stricter) }),
  };
}

/** A value of no column has no form that a shadow of it could take. */
function unshown(property: Property): Property {
  return property.redacted ? { ...property, hidden: true } : property;
}
