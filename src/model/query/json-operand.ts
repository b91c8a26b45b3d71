import { isJsonObject, type JsonValue } from '../../platform/json-value.js';
import type { Entity } from '../entity.js';
import type { ContainmentOperator, Value } from './ast.js';
import { Scanner } from './scanner.js';

/**
 * What `cs`, `cd` and `ov` are given, as JSON text: JSON as it is, or a list in braces as PostgREST has it for arrays, of which
 * the property's own schema says whether `1` is a number or a text. null when it is neither.
 */
export function containedJson(entity: Entity, value: Value, operator: ContainmentOperator, raw: string): string | null {
  const json = jsonOperand(raw);
  if (json !== undefined && (operator !== 'ov' || Array.isArray(json))) return JSON.stringify(json);
  const list = listOf(raw.trim());
  if (list === null) return null;
  const isText = itemsAreTexts(entity, value);
  return JSON.stringify(list.map((text) => (isText ? text : (scalar(text) ?? text))));
}

/** The value of a JSON text; undefined when it is none, or nests deeper than anything that is stored. */
export function jsonOperand(raw: string): JsonValue | undefined {
  if (nesting(raw) > MAX_NESTING) return undefined;
  try {
    return JSON.parse(raw) as JsonValue;
  } catch {
    return undefined;
  }
}

const MAX_NESTING = 100;

/** At least as deep as the JSON is: brackets in texts count too. */
function nesting(raw: string): number {
  let depth = 0;
  let deepest = 0;
  for (const character of raw) {
    if (character === '{' || character === '[') deepest = Math.max(deepest, ++depth);
    else if (character === '}' || character === ']') depth--;
  }
  return deepest;
}

/** `{a,"b,c"}`; `{}` is also JSON, and has been read as that. */
function listOf(raw: string): string[] | null {
  const scanner = new Scanner('', raw);
  if (!scanner.take('{')) return null;
  const values: string[] = [];
  do values.push(scanner.enclosedValue('}'));
  while (scanner.take(','));
  return scanner.take('}') && scanner.done ? values : null;
}

function scalar(text: string): JsonValue | undefined {
  const json = jsonOperand(text);
  return typeof json === 'number' || typeof json === 'boolean' || json === null ? json : undefined;
}

function itemsAreTexts({ document }: Entity, value: Value): boolean {
  if (value.kind !== 'field' || !isJsonObject(document.properties)) return false;
  const schema = document.properties[value.field.name];
  return isJsonObject(schema) && isJsonObject(schema.items) && schema.items.type === 'string';
}
