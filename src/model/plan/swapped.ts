import { guardsAfter } from './guards.js';
import { droppedProperties, hiddenColumn, type Transition, transition } from './transition.js';

/** The way back: what was dropped is still there to be shown again. */
export function swapped(t: Transition): Transition {
  const { home, before, after, resolve, version, past } = t;
  const renames = new Map([...t.renames].map(([name, from]) => [from, name]));
  const kept = new Map(droppedProperties(t).map((property) => [property.name, hiddenColumn(t, property)]));
  const guards = guardsAfter(t);
  return transition({ home, before: after, after: before, resolve, renames, kept, guards, past, version: version + 1 });
}
