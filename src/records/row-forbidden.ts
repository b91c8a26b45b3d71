import type { Entity } from '../model/entity.js';
import { Problem } from '../platform/problem.js';

/** Of what is stored rather than of what is there. */
export const WOULD_BE = 'What the record would be is not for your roles to write';

/** A record that the caller may see and not change, or that would not be the caller's to have. */
export function rowForbidden({ name }: Pick<Entity, 'name'>, what = 'Your roles may not write this record'): Problem {
  return new Problem(
    'record/row-forbidden',
    `${what}: the row rules of ${JSON.stringify(name)} say which. Nothing was changed.`,
    {
      entity: name,
    },
  );
}
