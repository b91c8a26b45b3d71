import type { JsonValue } from '../../platform/json-value.js';
import { columnType, holdsNull } from '../ddl/column.js';
import type { Property } from '../entity.js';
import { quoteIdent, quoteLiteral } from '../sql.js';
import { columnText } from '../values/values.js';
import { formerProperty, type Transition } from './transition.js';
import { explicitNull, undeclared } from './undeclared.js';

/** SQL of the default, in the type of the column; undefined when there is none, or null, which needs no writing. */
export function defaultValue(property: Pick<Property, 'type' | 'precision' | 'scale' | 'default'>): string | undefined {
  const { default: value } = property;
  if (value === undefined || value === null) return undefined;
  return `${quoteLiteral(columnText(property, value as JsonValue))}::${columnType(property)}`;
}

/** Condition that a row, as it is, gets the default because the property has to be there now; undefined when none does. */
export function getsDefault(t: Transition, property: Property): string | undefined {
  if (!property.required || defaultValue(property) === undefined) return undefined;
  const kept = t.kept.get(property.name);
  // Where null is a value too, nobody can tell who lacks one.
  if (kept !== undefined) return holdsNull(property) ? undefined : `${quoteIdent(kept)} is null`;
  const was = formerProperty(t, property);
  if (was?.required) return undefined;
  if (was) return `${quoteIdent(was.column)} is null and not ${explicitNull(was.name)}`;
  return t.before.keepsExtras ? `${undeclared(property.name)} is null` : 'true';
}
