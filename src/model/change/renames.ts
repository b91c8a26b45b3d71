import type { Entity } from '../entity.js';

/** New name → old name, of the properties that keep what records hold in them. */
export type Renames = ReadonlyMap<string, string>;

/** Said by `renamedFrom`. Only where the old name is gone and the new one is new; else the word is history and explains nothing. */
export function renamesBetween(before: Entity, after: Entity): Renames {
  const old = new Set(before.properties.map(({ name }) => name));
  const fresh = new Set(after.properties.map(({ name }) => name));
  const renames = new Map<string, string>();
  const claimed = new Set<string>();
  for (const { name, renamedFrom } of after.properties) {
    if (renamedFrom === undefined || old.has(name) || !old.has(renamedFrom)) continue;
    if (fresh.has(renamedFrom) || claimed.has(renamedFrom)) continue;
    renames.set(name, renamedFrom);
    claimed.add(renamedFrom);
  }
  return renames;
}
