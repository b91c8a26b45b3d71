/**
 * The second belt of validation: what SQL can say exactly as ajv does becomes CHECK constraints, one per group
 * (length, range, values) of a property. A NULL column passes each of them, as an absent or null member does.
 */

import type { Check, Entity, Property, TenantHome } from '../entity.js';
import { derivedName } from '../names.js';
import { cellSql } from '../sealed/tag-sql.js';
import { quoteIdent, quoteLiteral } from '../sql.js';
import { addConstraint } from './add-constraint.js';

const GROUP_OF: Record<Check['kind'], Group> = {
  minLength: 'length',
  maxLength: 'length',
  minimum: 'range',
  maximum: 'range',
  exclusiveMinimum: 'range',
  exclusiveMaximum: 'range',
  oneOf: 'values',
};

const OPERATOR = {
  minLength: '>=',
  maxLength: '<=',
  minimum: '>=',
  maximum: '<=',
  exclusiveMinimum: '>',
  exclusiveMaximum: '<',
} as const;

const GROUPS = ['length', 'range', 'values', 'cell'] as const;
type Group = (typeof GROUPS)[number];

/** A constraint by name, and what follows the name. */
export interface CheckDefinition {
  readonly name: string;
  /** `check (…)` */
  readonly definition: string;
}

/** One constraint per group that has something to say. */
export function checkConditions(entity: Entity, property: Property): readonly CheckDefinition[] {
  const column = quoteIdent(property.column);
  return GROUPS.flatMap((group) => {
    const conditions = [
      ...(group === 'range' ? finite(property, column) : []),
      ...(group === 'cell' && property.encrypted ? [cellSql(column, property.encrypted.searchable)] : []),
      ...property.checks.filter((check) => GROUP_OF[check.kind] === group).map((check) => condition(check, column)),
    ];
    if (conditions.length === 0) return [];
    const name = derivedName([entity.table, property.column, group], 'check');
    return [{ name, definition: `check (${conditions.join(' and ')})` }];
  });
}

/** Pins the table to its tenant by a literal, so that even a superuser's restore cannot put a row in the wrong house. */
export function tenantPin(home: TenantHome, entity: Pick<Entity, 'table'>): CheckDefinition {
  const name = derivedName([entity.table, 'tenant'], 'check');
  return { name, definition: `check (tenant_id = ${quoteLiteral(home.tenantId)}::uuid)` };
}

/** The `add constraint` statements of a property's checks. */
export function addChecks(home: TenantHome, entity: Entity, property: Property): readonly string[] {
  return checkConditions(entity, property).map((check) => addConstraint(home, entity, check));
}

/** JSON has neither NaN nor Infinity; Postgres has both, sorts NaN above all numbers and lets it pass any lower bound. */
function finite({ type }: Property, column: string): readonly string[] {
  return type === 'double precision' || type === 'numeric' ? [`${column} > '-Infinity'`, `${column} < 'Infinity'`] : [];
}

/** Lengths are Unicode code points, in ajv and in char_length alike. */
function condition(check: Check, column: string): string {
  switch (check.kind) {
    case 'minLength':
    case 'maxLength':
      return `char_length(${column}) ${OPERATOR[check.kind]} ${numberText(check.length)}`;
    case 'oneOf':
      // No value at all (as in `enum: [null]`): nothing but NULL is left.
      return check.values.length === 0 ? `${column} is null` : `${column} in (${check.values.map(quoteLiteral).join(', ')})`;
    default:
      return `${column} ${OPERATOR[check.kind]} ${numberText(check.bound)}`;
  }
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new Error('a bound is not a finite number');
  return String(value);
}
