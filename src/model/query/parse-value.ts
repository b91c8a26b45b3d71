/** A property, a place inside a JSON value, a cast, an aggregate: what a query reads of a record. Used by the other parsers. */

import type { Entity } from '../entity.js';
import type { Field, FieldValue, PathStep, Value } from './ast.js';
import { fieldBehind } from './compile-value.js';
import { assertAskable, encryptedMessage, type FieldUse, fieldOf } from './fields.js';
import { quoteName } from './invalid-query.js';
import { MAX_PATH_STEPS } from './query-limits.js';
import type { Scanner } from './scanner.js';
import { aggregateType, CAST_NAMES, castOf, isAggregate } from './value-types.js';

export function fieldValue(field: Field): FieldValue {
  return { kind: 'field', field, type: field.type };
}

/** `name` or `name->member->0->>text`, from where the scanner stands. */
export function parseValue(entity: Entity, scanner: Scanner, use: FieldUse = 'asked'): Value {
  const start = scanner.at;
  const name = scanner.name();
  const field = fieldOf(entity, name, (message) => scanner.fail(message, start), use);
  return parsePath(scanner, fieldValue(field));
}

/** What follows a name: `->` leads to a JSON value, `->>` to its text, which ends the path. */
export function parsePath(scanner: Scanner, of: Value): Value {
  if (!scanner.startsWith('->')) return of;
  const start = scanner.at;
  if (of.kind === 'field' && of.field.encrypted) scanner.fail(encryptedMessage(of.field.name), start);
  if (of.type !== 'jsonb') scanner.fail(`-> looks inside JSON, and ${describe(of)} is ${of.type}.`, start);
  const steps: PathStep[] = [];
  for (;;) {
    const isText = scanner.take('->>');
    if (!isText && !scanner.take('->')) return { kind: 'path', of, steps, type: 'jsonb' };
    steps.push(parseStep(scanner));
    if (steps.length > MAX_PATH_STEPS) scanner.exceed(`a path into a JSON value takes ${MAX_PATH_STEPS} steps at most.`, start);
    if (!isText) continue;
    if (scanner.startsWith('->')) scanner.fail('nothing can be looked up in a text: ->> ends the path.');
    return { kind: 'path', of, steps, type: 'text' };
  }
}

function parseStep(scanner: Scanner): PathStep {
  const index = scanner.index();
  if (index === null) return scanner.name();
  const start = scanner.at;
  const number = Number(index);
  if (Math.abs(number) > MAX_INDEX) scanner.fail('the index is out of range.', start);
  return number;
}

const MAX_INDEX = 2_147_483_647;

/** `value[::cast][.aggregate()][::cast]`, or `count()`. What is computed from a value tells something of it. */
export function parseSelected(entity: Entity, scanner: Scanner): Value {
  const start = scanner.at;
  const value = parseTerm(entity, scanner);
  if (value.kind === 'field') return value;
  assertAskable(entity, nameBehind(value));
  const field = fieldBehind(value);
  if (field?.encrypted) scanner.fail(encryptedMessage(field.name), start);
  return value;
}

function nameBehind(value: Value): string[] {
  if (value.kind === 'field') return [value.field.name];
  return value.of === null ? [] : nameBehind(value.of);
}

function parseTerm(entity: Entity, scanner: Scanner): Value {
  if (scanner.take('count()')) return parseCast(scanner, { kind: 'aggregate', of: null, name: 'count', type: 'bigint' });
  const value = parseCast(scanner, parseValue(entity, scanner, 'shown'));
  const start = scanner.at;
  if (!scanner.take('.')) return value;
  const name = scanner.word();
  if (!isAggregate(name) || !scanner.take('()')) {
    scanner.fail(
      'count(), sum(), avg(), min() or max() is expected after the dot; a property whose name holds a dot is written in double quotes.',
      start + 1,
    );
  }
  const type = aggregateType(name, value.type);
  if (type === undefined) scanner.fail(`there is no ${name}() of ${describe(value)}, which is ${value.type}.`, start + 1);
  return parseCast(scanner, { kind: 'aggregate', of: value, name, type });
}

function parseCast(scanner: Scanner, of: Value): Value {
  const start = scanner.at;
  if (!scanner.take('::')) return of;
  const name = scanner.typeName();
  const cast = castOf(name);
  if (!cast) scanner.fail(`there is no cast to ${quoteName(name)}; casts are ${CAST_NAMES}.`, start + 2);
  return { kind: 'cast', of, ...cast };
}

/** The member it becomes unless it is renamed, as in PostgREST: the last name of a path, or the aggregate. */
export function nameOf(value: Value): string {
  switch (value.kind) {
    case 'field':
      return value.field.name;
    case 'cast':
    case 'tag':
      return nameOf(value.of);
    case 'aggregate':
      return value.name;
    case 'path':
      return value.steps.findLast((step) => typeof step === 'string') ?? nameOf(value.of);
  }
}

export function isAggregated(value: Value): boolean {
  return value.kind === 'aggregate' || (value.kind === 'cast' && isAggregated(value.of));
}

/** For messages. */
export function describe(value: Value): string {
  return value.kind === 'aggregate' ? `${value.name}()` : quoteName(nameOf(value));
}
