import { columnType } from '../ddl/column.js';
import type { Entity, Property, Shadow } from '../entity.js';
import { conversionBetween } from '../plan/conversion/conversion.js';
import { isFilledByService } from '../sealed/shadow-texts.js';
import { quoteIdent } from '../sql.js';

/** A column to write beside those of the properties, quoted, and its value. */
export interface ShadowColumn {
  readonly column: string;
  readonly value: string;
}

/** A column whose text a statement is given: of each property, and of each second column that only the service can fill. */
export interface WrittenColumn {
  readonly column: string;
  /** As in DDL. */
  readonly type: string;
}

/** In the order of the texts of `splitRecord`. */
export function writtenColumns({ properties, shadows = [] }: Entity): readonly WrittenColumn[] {
  return [...properties, ...shadows.filter(isFilledByService)].map((each) => {
    return { column: quoteIdent(each.column), type: columnType(each) };
  });
}

/** What a statement knows of the row it writes. */
export interface ShadowedRow {
  /** SQL of the value that the property gets; undefined when the statement does not write it. */
  readonly sqlOf: (property: Property) => string | undefined;
  /** SQL of the revision that the record gets. */
  readonly revision: string;
}

/**
 * While a change of type or encryption is prepared, every write fills the second column too. A value that has no exact conversion
 * leaves it NULL, which the guard of the change refuses. What only the service can tell comes with the texts of the record; here it is
 * said of which revision that is, so that a writer who has not heard of it, and moves the one without the other, is refused.
 */
export function shadowColumns(entity: Entity, row: ShadowedRow): readonly ShadowColumn[] {
  return (entity.shadows ?? []).flatMap((shadow) => {
    if (shadow.revision !== undefined) return [{ column: quoteIdent(shadow.revision), value: row.revision }];
    return convertedColumn(entity, shadow, row);
  });
}

function convertedColumn({ properties }: Entity, shadow: Shadow, { sqlOf }: ShadowedRow): ShadowColumn[] {
  const property = properties.find(({ name }) => name === shadow.property);
  const conversion = property && conversionBetween(property, shadow);
  const value = property && sqlOf(property);
  if (!conversion || value === undefined) return [];
  const fits = conversion.fits?.(value);
  const converted = fits === undefined ? conversion.using(value) : `case when ${fits} then ${conversion.using(value)} end`;
  return [{ column: quoteIdent(shadow.column), value: `(${converted})::${columnType(shadow)}` }];
}

/** Where a statement empties some properties and leaves the others alone. @param revision SQL of the one that the record gets */
export function emptiedShadows(entity: Entity, emptied: readonly Property[], revision: string): readonly ShadowColumn[] {
  return (entity.shadows ?? []).flatMap((shadow) => {
    const isEmptied = emptied.some(({ name }) => name === shadow.property);
    return [
      ...(isEmptied ? [{ column: quoteIdent(shadow.column), value: 'null' }] : []),
      // The value is what it was, in the next revision.
      ...(shadow.revision === undefined ? [] : [{ column: quoteIdent(shadow.revision), value: revision }]),
    ];
  });
}
