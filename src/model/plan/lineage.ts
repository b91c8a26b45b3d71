import { type Renames, renamesBetween } from '../change/renames.js';
import type { Entity } from '../entity.js';
import { hiddenName } from '../names.js';

/** How a version came out of the one before it. */
export interface VersionStep {
  readonly version: number;
  readonly entity: Entity;
  /** New name → old name, as the change had it; absent: as the document says with `renamedFrom`. */
  readonly renames?: Renames;
  /** Properties that came back from hidden columns: name → column. */
  readonly restored: ReadonlyMap<string, string>;
}

/** Where the values of a property of an old version are now. */
export type Whereabouts =
  /** Under this name, in the newest version. */
  | { readonly state: 'here'; readonly name: string }
  /** Hidden in this column since a version dropped the property. */
  | { readonly state: 'dropped'; readonly column: string };

/**
 * Follows each property of the oldest version to the newest, through renames, drops and restorations: a name that was given
 * again is another property.
 * @param steps from the oldest version to the newest, without a gap.
 */
export function whereabouts(steps: readonly VersionStep[]): ReadonlyMap<string, Whereabouts> {
  const [oldest, ...later] = steps;
  const found = new Map<string, Whereabouts>(oldest?.entity.properties.map(({ name }) => [name, { state: 'here', name }]) ?? []);
  let before = oldest;
  for (const step of later) {
    for (const [origin, where] of found) found.set(origin, next(before as VersionStep, step, where));
    before = step;
  }
  return found;
}

function next(before: VersionStep, { version, entity, renames, restored }: VersionStep, where: Whereabouts): Whereabouts {
  if (where.state === 'dropped') {
    const back = [...restored].find(([, column]) => column === where.column);
    return back ? { state: 'here', name: back[0] } : where;
  }
  const former = renames ?? renamesBetween(before.entity, entity);
  const heir = entity.properties.find(({ name }) => !restored.has(name) && (former.get(name) ?? name) === where.name);
  if (heir) return { state: 'here', name: heir.name };
  const column = before.entity.properties.find(({ name }) => name === where.name)?.column ?? where.name;
  return { state: 'dropped', column: hiddenName(column, version) };
}
