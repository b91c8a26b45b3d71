import { renamesBetween } from '../change/renames.js';
import type { Property } from '../entity.js';
import { hiddenName } from '../names.js';
import type { VersionStep } from '../plan/lineage.js';

/** What the properties of the newest version were in one version: by their names now; those that were not there are missing. */
export type Origins = ReadonlyMap<string, Property>;

/** A property on its way back: there under this name, or hidden in this column. */
export type Trace = { readonly name: string } | { readonly hidden: string };

/**
 * Follows each property of the newest version back through renames, drops and restorations; a name that was given again is
 * another property. The inverse of `whereabouts`.
 * @param steps from the oldest version to the newest, without a gap.
 * @returns aligned with `steps`.
 */
export function originsOf(steps: readonly VersionStep[]): readonly Origins[] {
  const newest = steps.at(-1);
  if (!newest) return [];
  let traces = new Map<string, Trace>(newest.entity.properties.map(({ name }) => [name, { name }]));
  const found: Origins[] = [present(traces, newest)];
  for (let index = steps.length - 1; index > 0; index--) {
    const [before, step] = [steps[index - 1], steps[index]] as [VersionStep, VersionStep];
    const back = beforeStep(before, step);
    const earlier = [...traces].flatMap(([now, trace]): [string, Trace][] => {
      const was = back(trace);
      return was ? [[now, was]] : [];
    });
    traces = new Map(earlier);
    found.unshift(present(traces, before));
  }
  return found;
}

/** What was a trace's property in the version before; undefined: it was not there. */
export function beforeStep(
  before: VersionStep,
  { version, entity, renames, restored }: VersionStep,
): (trace: Trace) => Trace | undefined {
  const former = renames ?? renamesBetween(before.entity, entity);
  const names = new Set(before.entity.properties.map(({ name }) => name));
  const dropped = new Map(before.entity.properties.map(({ name, column }) => [hiddenName(column, version), name]));
  return (trace) => {
    if ('hidden' in trace) {
      const name = dropped.get(trace.hidden);
      return name === undefined ? trace : { name };
    }
    const hidden = restored.get(trace.name);
    if (hidden !== undefined) return { hidden };
    const name = former.get(trace.name) ?? trace.name;
    return names.has(name) ? { name } : undefined;
  };
}

function present(traces: ReadonlyMap<string, Trace>, { entity }: VersionStep): Origins {
  const properties = new Map(entity.properties.map((property) => [property.name, property]));
  return new Map(
    [...traces].flatMap(([now, trace]) => {
      const property = 'name' in trace ? properties.get(trace.name) : undefined;
      return property ? [[now, property] as const] : [];
    }),
  );
}
