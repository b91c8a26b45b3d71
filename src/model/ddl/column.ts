/** How a property becomes a column: its name, its type and whether it may hold NULL. Used by every DDL operation. */

import { type Entity, isSystemMember, type Property } from '../entity.js';
import { quoteIdent } from '../sql.js';

/** `"price" numeric(10,2) not null`; for `create table` and `add column` alike. There is never a column default. */
export function columnDefinition(property: Property): string {
  return `${quoteIdent(property.column)} ${columnType(property)}${holdsNull(property) ? '' : ' not null'}`;
}

/**
 * numeric gets a modifier only when both numbers are known: `numeric(p)` alone means scale 0 and rounds fractions away,
 * and a bent value is worse than a wide column. What one number alone forbids, ajv refuses.
 */
export function columnType({ type, precision, scale }: Pick<Property, 'type' | 'precision' | 'scale'>): string {
  return type === 'numeric' && precision !== undefined && scale !== undefined ? `numeric(${precision},${scale})` : type;
}

/** False only for a property that is required and not nullable. */
export function holdsNull(property: Property): boolean {
  return !property.required || property.nullable;
}

/** The quoted column behind a logical name, a declared property or a system member. Throws when the entity has neither. */
export function columnOf(entity: Entity, name: string): string {
  const property = entity.properties.find((candidate) => candidate.name === name);
  if (property) return quoteIdent(property.column);
  if (isSystemMember(name)) return quoteIdent(name);
  throw new Error(`entity ${JSON.stringify(entity.name)} has no property ${JSON.stringify(name)}`);
}
