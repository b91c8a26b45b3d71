/** What is wrong with the values of `enum` and `const` of a range. Used by `read-property.ts`. */

import { type JsonObject, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import type { ColumnType } from '../entity.js';
import { shown } from '../names.js';
import { isRange } from '../validation/formats.js';
import { isRangeType } from '../values/range.js';
import { columnText } from '../values/values.js';
import { choicesOf } from './column-type.js';

/**
 * A choice that comes back in another spelling than it has here, `[1,5]` as `[1,6)`, would not be valid when it is sent again.
 * @param schemas of the property, its own first, and what its references lead to
 */
export function rangeChoiceFaults(type: ColumnType, schemas: readonly JsonObject[], at: string): Fault[] {
  if (!isRangeType(type)) return [];
  return schemas.flatMap((schema, place) => {
    const rule = Object.hasOwn(schema, 'const') ? 'const' : 'enum';
    return (choicesOf(schema) ?? []).flatMap((choice, index) => {
      if (typeof choice !== 'string' || !isRange(type, choice)) return [];
      const returned = columnText({ type }, choice);
      if (returned === choice) return [];
      const own = rule === 'const' ? pointer(at, rule) : pointer(pointer(at, rule), index);
      const message = `${shown(choice)} would come back as ${shown(returned)}: write it so`;
      return [{ pointer: place === 0 ? own : at, rule, message }];
    });
  });
}
