/**
 * What somebody changed in the database behind the store's back, or a change that was cut off left there: the catalog of a
 * table compared with the one its document asks for, both in Postgres' own spelling.
 */

import { extraGuardName } from '../ddl/extra-guard.js';
import type { ConstraintCatalog, TableCatalog } from './catalog.js';
import * as told from './drift-messages.js';
import { UNFINISHED } from './operation.js';
import type { ConstraintShape, TableShape } from './shape.js';

export interface Drift {
  readonly kind: DriftKind;
  readonly object: DriftObject;
  /** As in the catalog; of the table for the table itself and its row security. */
  readonly name: string;
  /** What is wrong, what comes of it and what to do, in a sentence without a full stop. */
  readonly message: string;
}

/** `unfinished`: prepared for a change that has not been completed. `invalid`: there, and not in force for every row. */
export type DriftKind = 'missing' | 'unexpected' | 'different' | 'invalid' | 'unfinished';

export type DriftObject = 'table' | 'column' | 'constraint' | 'index' | 'policy' | 'row security';

/**
 * `expected`: of a table made from the document this moment, foreign keys apart, which are compared with the shape's.
 * `retained`: the hidden columns of dropped properties. Empty when the table is as its document says.
 */
export function driftBetween(
  shape: TableShape,
  expected: TableCatalog,
  actual: TableCatalog | undefined,
  retained: ReadonlySet<string>,
): Drift[] {
  if (!actual) return [{ kind: 'missing', object: 'table', name: shape.table, message: told.missingTable(shape.table) }];
  return [
    ...columnDrift(shape, expected, actual, retained),
    ...constraintDrift(shape, expected, actual),
    ...indexDrift(shape, expected, actual),
    ...policyDrift(expected, actual),
    ...rowSecurityDrift(actual),
  ];
}

function columnDrift(shape: TableShape, expected: TableCatalog, actual: TableCatalog, retained: ReadonlySet<string>): Drift[] {
  const shapes = new Map(shape.columns.map((column) => [column.name, column]));
  const lost = [...retained].filter((name) => !actual.columns.some((column) => column.name === name));
  return [
    ...compared('column', expected.columns, actual.columns, {
      missing: ({ name }) => told.missingColumn(name, shapes.get(name)?.property?.name),
      different: (wanted, found) => told.differentColumn(wanted, found),
      unexpected: (found) => (retained.has(found.name) ? told.hiddenColumn(found) : told.unexpectedColumn(found)),
    }),
    ...lost.map((name) => ({ kind: 'missing' as const, object: 'column' as const, name, message: told.missingHidden(name) })),
  ];
}

function constraintDrift(shape: TableShape, expected: TableCatalog, actual: TableCatalog): Drift[] {
  const guards = new Set(shape.columns.flatMap(({ name, property }) => (property ? [extraGuardName(shape.table, name)] : [])));
  const foreignKeys = shape.constraints.filter(({ kind }) => kind === 'foreign key');
  return compared<ConstraintCatalog | ConstraintShape, ConstraintCatalog>(
    'constraint',
    [...expected.constraints, ...foreignKeys],
    actual.constraints,
    {
      missing: told.missingConstraint,
      invalid: told.invalidConstraint,
      different: ({ definition }, found) => {
        return checkedText(found.definition) === definition ? undefined : told.differentConstraint(found, definition);
      },
      unexpected: (found) => (guards.has(found.name) && found.kind === 'check' ? undefined : told.unexpectedConstraint(found)),
    },
  );
}

function indexDrift(shape: TableShape, expected: TableCatalog, actual: TableCatalog): Drift[] {
  const shapes = new Map(shape.indexes.map((index) => [index.name, index]));
  return compared('index', expected.indexes, actual.indexes, {
    missing: ({ name }) => {
      const { properties = [], unique = false } = shapes.get(name) ?? {};
      return told.missingIndex(name, properties, unique);
    },
    invalid: told.invalidIndex,
    different: ({ definition }, found) => {
      return found.definition === definition ? undefined : told.differentIndex(found, definition);
    },
    unexpected: told.unexpectedIndex,
  });
}

function policyDrift(expected: TableCatalog, actual: TableCatalog): Drift[] {
  return compared('policy', expected.policies, actual.policies, {
    missing: told.missingPolicy,
    different: ({ definition }, found) => {
      return found.definition === definition ? undefined : told.differentPolicy(found, definition);
    },
    unexpected: told.unexpectedPolicy,
  });
}

function rowSecurityDrift({ table: name, rowSecurity, forced }: TableCatalog): Drift[] {
  const object = 'row security' as const;
  return [
    ...(rowSecurity ? [] : [{ kind: 'missing' as const, object, name, message: told.disabled(name) }]),
    ...(forced ? [] : [{ kind: 'different' as const, object, name, message: told.notForced(name) }]),
  ];
}

interface Named {
  readonly name: string;
  /** Absent for what cannot be invalid. */
  readonly valid?: boolean;
}

/** What to say in each case; undefined where all is well. */
interface Telling<E, A> {
  missing(wanted: E): string;
  different(wanted: E, found: A): string | undefined;
  invalid?(found: A): string;
  unexpected(found: A): string | undefined;
}

function compared<E extends Named, A extends Named>(
  object: DriftObject,
  expected: readonly E[],
  actual: readonly A[],
  telling: Telling<E, A>,
): Drift[] {
  const drift = (kind: DriftKind, name: string, message: string | undefined): Drift[] =>
    message === undefined ? [] : [{ kind, object, name, message }];
  const invalid = (found: A): Drift[] => (found.valid === false ? drift('invalid', found.name, telling.invalid?.(found)) : []);
  const found = new Map(actual.map((item) => [item.name, item]));
  const wanted = new Set(expected.map(({ name }) => name));
  return [
    ...expected.flatMap((item) => {
      const other = found.get(item.name);
      if (!other) return drift('missing', item.name, telling.missing(item));
      const different = drift('different', item.name, telling.different(item, other));
      return different.length > 0 ? different : invalid(other);
    }),
    ...actual
      .filter(({ name }) => !wanted.has(name))
      .flatMap((item) => {
        if (item.name.endsWith(UNFINISHED)) return drift('unfinished', item.name, told.unfinished(object, item.name));
        const unexpected = drift('unexpected', item.name, telling.unexpected(item));
        return unexpected.length > 0 ? unexpected : invalid(item);
      }),
  ];
}

/** Without what Postgres adds to a constraint that was not checked yet. */
function checkedText(definition: string): string {
  return definition.replace(/ NOT (VALID|ENFORCED)$/, '');
}
