import fc, { type Arbitrary } from 'fast-check';
import type { Resolve } from '../../src/model/ddl/add-relation.js';
import { relationFaults } from '../../src/model/ddl/relation-faults.js';
import { readEntity } from '../../src/model/document/read-entity.js';
import { defaultFaults } from '../../src/model/validation/default-faults.js';
import { compileValidator } from '../../src/model/validation/validator.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../src/platform/json-value.js';
import { Problem } from '../../src/platform/problem.js';
import { editProperty, PROPERTY_EDITS, valueFor } from './property-edits.js';
import { NAMES } from './record-choices.js';

/** Documents made by small edits that are data, so that a failure shrinks to the few edits that matter. */

/** What is edited and how; the numbers choose, whatever their size, among what there is. */
export interface Edit {
  readonly what: (typeof ROOT_EDITS)[number] | (typeof PROPERTY_EDITS)[number];
  readonly which: number;
  readonly how: number;
}

const ADDING = ['add', 'add', 'add-required', 'add-with-default', 'add-relation'] as const;

const ROOT_EDITS = [
  ...ADDING,
  ...(['drop', 'drop', 'rename', 'rename', 'rename-entity', 'required', 'required'] as const),
  ...(['unique-key', 'multi-index', 'extras', 'root-rule', 'concurrency'] as const),
] as const;

const EDITS = [...ROOT_EDITS, ...PROPERTY_EDITS, ...PROPERTY_EDITS];

export function edits(minLength: number, maxLength: number, kinds: readonly Edit['what'][] = EDITS): Arbitrary<readonly Edit[]> {
  return fc.array(fc.record({ what: fc.constantFrom(...kinds), which: fc.nat(999), how: fc.nat(999) }), { minLength, maxLength });
}

/** A document from nothing: some properties, and what is done to them. */
export const firstEdits: Arbitrary<readonly Edit[]> = fc
  .tuple(edits(0, 1, ['extras']), edits(1, 6, ADDING), edits(0, 8))
  .map((parts) => parts.flat());

export interface NamedDocument {
  readonly name: string;
  readonly document: JsonObject;
}

export const EMPTY: JsonObject = {
  type: 'object',
  properties: {},
  required: [],
  $defs: { short: { type: 'string', maxLength: 4 } },
};

/** Edits that would make a document of no use are left out. */
export function edited(start: NamedDocument, changes: readonly Edit[], resolve: Resolve): NamedDocument {
  return changes.reduce((current, edit) => {
    const next = applied(current, edit);
    return isUsable(next, resolve) ? next : current;
  }, start);
}

function isUsable({ name, document }: NamedDocument, resolve: Resolve): boolean {
  try {
    const entity = readEntity(name, document);
    if (relationFaults(entity, resolve).length > 0) return false;
    // Compiling takes its time.
    const hasDefaults = entity.properties.some((property) => property.default !== undefined);
    return !hasDefaults || defaultFaults(entity, compileValidator(entity)).length === 0;
  } catch (error) {
    if (error instanceof Problem) return false;
    throw error;
  }
}

const ENTITY_NAMES = ['renamed', 'select', 'R'.repeat(100)];

const KINDS: readonly JsonObject[] = [
  { type: 'string' },
  { type: 'string', maxLength: 4 },
  ...['uuid', 'date', 'date-time', 'time', 'ipv6', 'byte', 'decimal', 'email'].map((format) => ({ type: 'string', format })),
  { type: 'string', format: 'decimal', precision: 12, scale: 4 },
  ...['int8range', 'numrange', 'tstzrange'].map((format) => ({ type: 'string', format })),
  { type: 'string', enum: ['a', '1', 'true', '2020-01-31'] },
  { type: 'integer' },
  { type: 'number', maximum: 1.5 },
  { type: ['boolean', 'null'] },
  { type: ['array', 'null'], items: { type: 'integer' } },
  { type: ['string', 'integer'] },
  { $ref: '#/$defs/short' },
  {},
];

const ROOT_RULES: readonly JsonObject[] = [
  { minProperties: 2 },
  { maxProperties: 3 },
  { dependentRequired: { a: ['b'] } },
  { propertyNames: { maxLength: 60 } },
  { patternProperties: { '^c': { type: ['string', 'null'] } } },
  { $defs: { short: { type: 'string', maxLength: 3 } } },
  { unevaluatedProperties: false },
];

const EXTRAS: readonly JsonObject[] = [
  { additionalProperties: false },
  { additionalProperties: false },
  {},
  { additionalProperties: true },
  { additionalProperties: { type: 'integer' } },
];

function applied({ name, document }: NamedDocument, { what, which, how }: Edit): NamedDocument {
  const properties = document.properties as JsonObject;
  const names = Object.keys(properties);
  const pick = <T>(from: readonly T[], number: number): T => from[number % Math.max(from.length, 1)] as T;
  const free = pick(
    NAMES.filter((each) => !names.includes(each)),
    which,
  );
  const [chosen, other] = [pick(names, which), pick(names, how)];
  const changed = (part: JsonObject): NamedDocument => ({ name, document: { ...document, ...part } });
  const withProperty = (property: string, schema: JsonValue): JsonObject => ({
    properties: { ...properties, [property]: schema },
  });
  const kind = pick(KINDS, how);
  switch (what) {
    case 'add':
      return changed(withProperty(free, kind));
    case 'add-required':
      return changed({ ...withProperty(free, kind), ...toggledRequired(document, free) });
    case 'add-with-default':
      return changed({ ...withProperty(free, { ...kind, default: valueFor(kind, which) }), ...toggledRequired(document, free) });
    case 'add-relation': {
      const [format, field] = how % 2 ? [{ format: 'uuid' }, 'id'] : [{}, 'code'];
      const entity = how % 3 && how % 2 ? name : 'target';
      return changed(
        withProperty(free, { type: ['string', 'null'], ...format, relation: { entity, field, onDelete: 'cascade' } }),
      );
    }
    case 'rename-entity':
      return entityRenamed({ name, document }, pick(ENTITY_NAMES, which));
    case 'extras': {
      const { additionalProperties: _, ...rest } = document;
      return { name, document: { ...rest, ...pick(EXTRAS, how) } };
    }
    case 'root-rule':
      return changed(pick(ROOT_RULES, how));
    case 'concurrency':
      return changed({ concurrency: how % 2 ? 'required' : 'optional' });
    case 'unique-key':
      return changed(toggledList(document, 'uniqueKeys', [chosen, other]));
    case 'multi-index':
      return changed(toggledList(document, 'indexes', [chosen, `${how % 2 ? '-' : ''}${other}`]));
    case 'required':
      return changed(toggledRequired(document, chosen));
    case 'drop':
      return { name, document: without(document, chosen) };
    case 'rename':
      return { name, document: renamed({ name, document }, chosen, free) };
    default: {
      if (chosen === undefined) return { name, document };
      const schema = isJsonObject(properties[chosen]) ? properties[chosen] : {};
      return changed(withProperty(chosen, editProperty(schema, { what, which, how }, name, other)));
    }
  }
}

function toggledRequired(document: JsonObject, name: string): JsonObject {
  const required = document.required as string[];
  return { required: required.includes(name) ? required.filter((each) => each !== name) : [...required, name] };
}

function toggledList(document: JsonObject, word: string, entry: readonly string[]): JsonObject {
  const list = (document[word] ?? []) as string[][];
  const rest = list.filter((each) => each.join() !== entry.join());
  return { [word]: rest.length < list.length ? rest : [...list, entry] };
}

/** With every key it was part of; a relation to it makes the document one of no use. */
function without(document: JsonObject, name: string): JsonObject {
  const { [name]: _, ...properties } = document.properties as JsonObject;
  const lists = listsOf(document, (list) => list.filter((entry) => !entry.some((field) => field.replace(/^-/, '') === name)));
  return { ...document, ...lists, properties, required: (document.required as string[]).filter((each) => each !== name) };
}

function renamed({ name, document }: NamedDocument, from: string, to: string): JsonObject {
  const rename = (field: string): string => (field === from ? to : field === `-${from}` ? `-${to}` : field);
  const entries = Object.entries(document.properties as JsonObject).map(([property, schema]) => {
    const retargeted = withRelation(schema, name, (relation) => ({ ...relation, field: rename(relation.field as string) }));
    const said = property === from && isJsonObject(retargeted) ? { ...retargeted, renamedFrom: from } : retargeted;
    return [rename(property), said] as const;
  });
  const lists = listsOf(document, (list) => list.map((entry) => entry.map(rename)));
  return {
    ...document,
    ...lists,
    properties: Object.fromEntries(entries),
    required: (document.required as string[]).map(rename),
  };
}

function entityRenamed({ name, document }: NamedDocument, to: string): NamedDocument {
  if (to === name) return { name, document };
  const entries = Object.entries(document.properties as JsonObject).map(([property, schema]) => {
    return [property, withRelation(schema, name, (relation) => ({ ...relation, entity: to }))] as const;
  });
  return { name: to, document: { ...document, properties: Object.fromEntries(entries), renamedFrom: name } };
}

function withRelation(schema: JsonValue, entity: string, change: (relation: JsonObject) => JsonObject): JsonValue {
  const relation = isJsonObject(schema) ? schema.relation : undefined;
  if (!isJsonObject(relation) || relation.entity !== entity) return schema;
  return { ...(schema as JsonObject), relation: change(relation) };
}

function listsOf(document: JsonObject, change: (list: readonly string[][]) => readonly string[][]): JsonObject {
  const words = ['uniqueKeys', 'indexes'].filter((word) => Object.hasOwn(document, word));
  return Object.fromEntries(words.map((word) => [word, change(document[word] as unknown as string[][])]));
}
