import { columnType } from '../ddl/column.js';
import type { Entity, Property } from '../entity.js';
import { conversionBetween } from '../plan/conversion/conversion.js';
import { quoteIdent } from '../sql.js';

/** A column to write beside those of the properties, quoted, and its value. */
export interface ShadowColumn {
  readonly column: string;
  readonly value: string;
}

/**
 * While a change of type is prepared, every write fills the second column too. A value that has no exact conversion leaves it
 * NULL, which the guard of the change refuses.
 * @param sqlOf SQL of the value that the property gets; undefined when the statement does not write it.
 */
export function shadowColumns(entity: Entity, sqlOf: (property: Property) => string | undefined): readonly ShadowColumn[] {
  return (entity.shadows ?? []).flatMap((shadow) => {
    const property = entity.properties.find(({ name }) => name === shadow.property);
    const conversion = property && conversionBetween(property, shadow);
    const value = property && sqlOf(property);
    if (!conversion || value === undefined) return [];
    const fits = conversion.fits?.(value);
    const converted = fits === undefined ? conversion.using(value) : `case when ${fits} then ${conversion.using(value)} end`;
    return [{ column: quoteIdent(shadow.column), value: `(${converted})::${columnType(shadow)}` }];
  });
}
