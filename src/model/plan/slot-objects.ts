import type { TableObject } from './table-object.js';

/** A key or an index over tags is two objects of a table and one thing to whoever changes it: it goes by the first of them. */

/** What stands for itself, or for both of its slots. */
export function isFirst({ sealed }: TableObject): boolean {
  return sealed === undefined || sealed.slot === 0;
}

/** The object, and the other slot's that goes with it. @param objects those that it is one of */
export function withOtherSlot(objects: readonly TableObject[], object: TableObject): readonly TableObject[] {
  const { sealed } = object;
  if (!sealed) return [object];
  const other = objects.find((each) => each.sealed?.key === sealed.key && each.sealed.slot !== sealed.slot);
  return other ? [object, other] : [object];
}
