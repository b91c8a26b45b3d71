/** One property of an entity document as the store sees it, and what is wrong with its words. Used by `readEntity` only. */

import { isDeepStrictEqual } from 'node:util';
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { isRoleName } from '../access/role-name.js';
import { type ColumnType, isSystemMember, type Property, type Relation, valueTypeOf } from '../entity.js';
import { entityNameFaults, physicalName, propertyNameFaults, sealedName, shown } from '../names.js';
import { FORMATS } from '../validation/formats.js';
import { admitsNull, checksOf, choicesOf, columnTypeOf, conjuncts, typesOf } from './column-type.js';
import { encryptionFaults, encryptionOf } from './encrypted.js';
import { rangeChoiceFaults } from './range-choices.js';
import type { References } from './references.js';

interface PropertyReading {
  readonly property: Property;
  readonly faults: readonly Fault[];
}

export function readProperty(name: string, schema: JsonValue, required: boolean, references: References): PropertyReading {
  const at = pointer('/properties', name);
  const schemas = conjuncts(schema, references);
  const words = isJsonObject(schema) ? schema : {};
  const type = columnTypeOf(schemas);
  const encrypted = encryptionOf(words.encrypted, type);
  const withDefault = schemas.find((candidate) => Object.hasOwn(candidate, 'default'));
  const property: Property = {
    name,
    column: encrypted ? sealedName(physicalName(name)) : physicalName(name),
    type: encrypted ? 'bytea' : type,
    encrypted,
    precision: words.precision as number | undefined,
    scale: words.scale as number | undefined,
    required,
    nullable: admitsNull(schemas),
    default: withDefault?.default,
    // SQL can say nothing of what it cannot read.
    checks: encrypted ? [] : checksOf(schemas, type),
    relation: relationOf(words.relation),
    immutable: words.immutable === true,
    readOnly: schemas.some(({ readOnly }) => readOnly === true),
    writeOnly: schemas.some(({ writeOnly }) => writeOnly === true),
    generated: words.generated as Property['generated'],
    renamedFrom: words.renamedFrom as string | undefined,
    alias: aliasOf(words),
    access: words.access as Property['access'],
    personal: words.pii === false ? undefined : (words.pii as Property['personal']),
    redact: (words.redact as Property['redact']) ?? (words.pii === undefined || words.pii === false ? undefined : 'full'),
  };
  return {
    property: withoutAbsent(property),
    faults: [
      ...propertyNameFaults(name, at),
      ...decimalFaults(property, at),
      ...defaultFaults(property, schemas, at),
      ...rangeChoiceFaults(type, schemas, at),
      ...generatedFaults(property, at),
      ...encryptionFaults(property, schemas, at),
      ...relationFaults(property, at),
      ...renamedFromFaults(property, words, at),
      ...accessFaults(property, at),
    ],
  };
}

/** Absent members are absent, not `undefined`: readings are compared and printed. */
function withoutAbsent(property: Property): Property {
  return Object.fromEntries(Object.entries(property).filter(([, value]) => value !== undefined)) as unknown as Property;
}

function relationOf(word: JsonValue | undefined): Relation | undefined {
  if (!isJsonObject(word)) return undefined;
  const { entity, field = 'id', onDelete = 'restrict', inverse } = word as unknown as Relation & { field?: string };
  return inverse === undefined ? { entity, field, onDelete } : { entity, field, onDelete, inverse };
}

function aliasOf({ renamedFrom, aliasUntil }: JsonObject): Property['alias'] {
  return typeof renamedFrom === 'string' && typeof aliasUntil === 'string' ? { name: renamedFrom, until: aliasUntil } : undefined;
}

function decimalFaults(property: Property, at: string): Fault[] {
  const { precision, scale } = property;
  if (valueTypeOf(property) !== 'numeric') {
    return ['precision', 'scale']
      .filter((word) => (word === 'precision' ? precision : scale) !== undefined)
      .map((word) => ({
        pointer: pointer(at, word),
        rule: word,
        message: `${word} belongs to "type": "string" with "format": "decimal" only`,
      }));
  }
  if (precision === undefined || scale === undefined || scale <= precision) return [];
  const message = `scale ${scale} is larger than precision ${precision}: there would be more digits after the point than digits`;
  return [{ pointer: pointer(at, 'scale'), rule: 'scale', message }];
}

/** By type and list of values only; whoever has the validator checks the rest. */
function defaultFaults(property: Property, schemas: readonly JsonObject[], at: string): Fault[] {
  const value = property.default;
  if (value === undefined) return [];
  const fault = (message: string) => [{ pointer: pointer(at, 'default'), rule: 'default', message }];
  if (property.generated !== undefined) return fault(`a generated property has no use for a default: remove one of the two`);
  const types = typesOf(schemas);
  if (types && !typesOfValue(value).some((type) => types.includes(type))) return fault(`must be of type ${types.join(' or ')}`);
  const isChoice = schemas.every((schema) => choicesOf(schema)?.some((choice) => isDeepStrictEqual(choice, value)) !== false);
  return isChoice ? [] : fault('must be one of the values that enum or const allow');
}

function typesOfValue(value: JsonValue): readonly string[] {
  if (value === null) return ['null'];
  if (Array.isArray(value)) return ['array'];
  if (typeof value === 'number') return Number.isInteger(value) ? ['integer', 'number'] : ['number'];
  return [typeof value];
}

const GENERATED_TYPES: Readonly<
  Record<'uuid' | 'now' | 'actor', { readonly types: readonly ColumnType[]; readonly say: string }>
> = {
  uuid: { types: ['uuid', 'text'], say: 'a string, with "format": "uuid" or none' },
  now: { types: ['timestamptz'], say: 'a string with "format": "date-time"' },
  actor: { types: ['text'], say: 'a string without a format' },
};

function generatedFaults({ generated, type, encrypted }: Property, at: string): Fault[] {
  // "sequence" is refused elsewhere, as not supported, and so is what is encrypted.
  if (generated === undefined || encrypted || !Object.hasOwn(GENERATED_TYPES, generated)) return [];
  const { types, say } = GENERATED_TYPES[generated];
  if (types.includes(type)) return [];
  return [{ pointer: pointer(at, 'generated'), rule: 'generated', message: `"${generated}" needs the property to be ${say}` }];
}

/** Whether the target exists and fits is known only where the other entities are. */
function relationFaults({ relation, type }: Property, at: string): Fault[] {
  if (!relation) return [];
  const here = pointer(at, 'relation');
  const stored =
    type === 'jsonb'
      ? [
          {
            pointer: here,
            rule: 'relation',
            message: 'a relation needs a property of one scalar type; this one is stored as jsonb',
          },
        ]
      : [];
  return [
    ...stored,
    ...entityNameFaults(relation.entity, pointer(here, 'entity')),
    ...inverseFaults(relation, pointer(here, 'inverse')),
  ];
}

function inverseFaults({ inverse }: Relation, at: string): Fault[] {
  if (inverse === undefined) return [];
  if (!isSystemMember(inverse)) return propertyNameFaults(inverse, at);
  return [
    { pointer: at, rule: 'relation', message: `every record has a member ${shown(inverse)} already: choose another inverse` },
  ];
}

function renamedFromFaults({ name, renamedFrom }: Property, { aliasUntil }: JsonObject, at: string): Fault[] {
  const until = { pointer: pointer(at, 'aliasUntil'), rule: 'aliasUntil' };
  if (renamedFrom === undefined) {
    if (aliasUntil === undefined) return [];
    return [{ ...until, message: 'belongs beside renamedFrom, whose name it keeps open' }];
  }
  const here = pointer(at, 'renamedFrom');
  if (renamedFrom === name) {
    return [{ pointer: here, rule: 'renamedFrom', message: `${shown(name)} cannot be renamed from itself` }];
  }
  const isTime = aliasUntil === undefined || (typeof aliasUntil === 'string' && isInstant(aliasUntil));
  const message = 'has to be a time with its offset (RFC 3339), such as "2027-01-31T00:00:00Z"';
  return [...propertyNameFaults(renamedFrom, here), ...(isTime ? [] : [{ ...until, message }])];
}

/** A role that nobody can have would close the property for good. */
function accessFaults({ access }: Property, at: string): Fault[] {
  return (['read', 'write'] as const).flatMap((kind) =>
    (access?.[kind] ?? []).flatMap((role, index) => {
      if (isRoleName(role)) return [];
      const message = `${shown(role)} is no name of a role: built-in ones are viewer, editor, admin, auditor and service`;
      return [{ pointer: pointer(pointer(pointer(at, 'access'), kind), index), rule: 'access', message }];
    }),
  );
}

function isInstant(text: string): boolean {
  const format = FORMATS['date-time'];
  return typeof format === 'function' && format(text);
}
