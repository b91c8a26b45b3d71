/** Documents may mention the members every record has, but only as what they are. Used by `readEntity` only. */

import { type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { type ColumnType, SYSTEM_MEMBERS, type SystemMember } from '../entity.js';
import { admitsNull, columnTypeOf, conjuncts } from './column-type.js';
import type { References } from './references.js';

/** Keywords that say nothing which the store would have to do. */
const HARMLESS: ReadonlySet<string> = new Set(
  'type format $ref title description $comment examples readOnly deprecated'.split(' '),
);

const MEANINGS: Readonly<Record<SystemMember, string>> = {
  id: 'a string with "format": "uuid"',
  created_at: 'a string with "format": "date-time"',
  updated_at: 'a string with "format": "date-time"',
  created_by: 'a string',
  updated_by: 'a string',
  revision: 'an integer',
};

/** Empty when the document declares the member exactly as the store keeps it. */
export function systemMemberFaults(name: SystemMember, schema: JsonValue, references: References): Fault[] {
  const at = pointer('/properties', name);
  const schemas = conjuncts(schema, references);
  const expected: ColumnType = SYSTEM_MEMBERS[name];
  if (columnTypeOf(schemas) !== expected || admitsNull(schemas)) {
    return [
      fault(
        at,
        `"${name}" is kept by the store as ${MEANINGS[name]}, never null: declare it so, remove it or choose another name`,
      ),
    ];
  }
  const stray = [...new Set(schemas.flatMap(Object.keys))].filter((keyword) => !HARMLESS.has(keyword));
  return stray.map((keyword) => fault(at, `"${name}" is kept by the store, which pays no heed to "${keyword}" there: remove it`));
}

function fault(at: string, message: string): Fault {
  return { pointer: at, rule: 'system-member', message };
}
