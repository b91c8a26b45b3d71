/**
 * The shapes of an entity's records on the wire, as OpenAPI components: what is returned, and what an insert, a replace
 * and a merge patch take. Generated from the entity document; the document itself stays the authority.
 */
import {
  type Entity,
  isKeptBack,
  isReturned,
  isSystemMember,
  type Property,
  SYSTEM_MEMBERS,
  type SystemMember,
  valueTypeOf,
} from '../model/entity.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { DocumentSchema, leavable, type SchemaComponents } from './document-schema.js';
import { encryptionText, holdsEncrypted } from './sealed-entities.js';

const SYSTEM_SCHEMAS: Readonly<Record<SystemMember, JsonObject>> = {
  id: { type: 'string', format: 'uuid', description: 'Given by the store (version 7) unless an insert brings one.' },
  created_at: { type: 'string', format: 'date-time', readOnly: true, description: 'When the record was stored, in UTC.' },
  updated_at: { type: 'string', format: 'date-time', readOnly: true, description: 'When it was last changed, in UTC.' },
  created_by: { type: 'string', readOnly: true, description: 'The subject of the token that stored it.' },
  updated_by: { type: 'string', readOnly: true, description: 'The subject of the token that last changed it.' },
  revision: { type: 'integer', minimum: 1, readOnly: true, description: 'Grows by one with every change; the ETag.' },
};

/** Words about the whole object. They need not hold of a returned record, which has system members and may lack others. */
const ABOUT_THE_WHOLE = new Set([
  ...['properties', 'required', 'minProperties', 'maxProperties', 'dependentRequired', 'dependentSchemas', 'propertyNames'],
  ...['patternProperties', 'unevaluatedProperties', 'additionalProperties', 'enum', 'const', 'examples', 'default'],
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', '$ref'],
]);

/** References to one entity's components; a component exists from the first time it is asked for. */
export class RecordSchemas {
  readonly #document: DocumentSchema;
  readonly #properties: JsonObject;

  constructor(
    private readonly entity: Entity,
    private readonly identifier: string,
    private readonly components: SchemaComponents,
  ) {
    this.#document = new DocumentSchema(entity.document, identifier, components, holdsEncrypted(entity));
    this.#properties = isJsonObject(entity.document.properties) ? entity.document.properties : {};
  }

  /** As returned: with system members, without what is `writeOnly`. */
  returned(): JsonObject {
    return this.components.refer(this.identifier, () => {
      const visible = this.entity.properties.filter((property) => isReturned(property) && !isSystemMember(property.name));
      const system = Object.keys(SYSTEM_MEMBERS) as SystemMember[];
      return {
        ...this.#descriptive(),
        required: [...system, ...visible.filter(({ required }) => required).map(({ name }) => name)],
        properties: Object.fromEntries([
          ...system.map((member) => [member, this.#system(member)]),
          ...visible.map((property) => [property.name, this.#returnedMember(property)]),
        ]),
        ...this.#undeclaredMembers(),
        ...this.#keptBack(),
      };
    });
  }

  /** As inserted: without what the store sets itself; the `id` may be chosen, and what has a default may be left out. */
  input(): JsonObject {
    return this.components.refer(`${this.identifier}.Input`, () =>
      this.#whole((property) => property.required && property.default === undefined, { id: this.#system('id') }),
    );
  }

  /** As replaced: an absent member is absent afterwards, so defaults play no part. */
  replacement(): JsonObject {
    return this.components.refer(`${this.identifier}.Replacement`, () => this.#whole(({ required }) => required, {}));
  }

  /** As a merge patch (RFC 7396): everything optional, and null takes away what is optional. */
  patch(): JsonObject {
    return this.components.refer(`${this.identifier}.Patch`, () => ({
      ...this.#descriptive(),
      properties: Object.fromEntries(
        this.entity.properties
          .filter((property) => isSettable(property) && !property.immutable)
          .map((property) => [property.name, this.#patched(property)]),
      ),
      ...this.#undeclaredMembers(),
    }));
  }

  #whole(isRequired: (property: Property) => boolean, further: JsonObject): JsonObject {
    const settable = this.entity.properties.filter(isSettable);
    const { properties: _, ...rest } = this.entity.document;
    return {
      ...(this.#document.rewrite(rest) as JsonObject),
      required: settable.filter(isRequired).map(({ name }) => name),
      properties: {
        ...further,
        ...Object.fromEntries(settable.map((property) => [property.name, this.#member(property, isRequired(property))])),
      },
    };
  }

  /** What stands in the place of a value that is redacted is a text, whatever the value is. */
  #returnedMember(property: Property): JsonValue {
    const { required, nullable, redacted } = property;
    if (!redacted) return this.#member(property, required);
    return { ...aboutIt(this.#property(property)), type: nullable ? ['string', 'null'] : 'string', 'x-redact': redacted.as };
  }

  /** What records have more of, for others. */
  #keptBack(): JsonObject {
    const names = this.entity.properties.filter((each) => isKeptBack(each) && !each.writeOnly).map(({ name }) => name);
    return names.length === 0 ? {} : { 'x-redacted': names };
  }

  #member(property: Property, isRequired: boolean): JsonValue {
    return isRequired ? this.#property(property) : leavable(this.#property(property));
  }

  #system(member: SystemMember): JsonObject {
    return this.components.refer(`system.${member}`, () => SYSTEM_SCHEMAS[member]);
  }

  #property(property: Property): JsonValue {
    const { name } = property;
    const schema = this.#document.rewrite(Object.hasOwn(this.#properties, name) ? this.#properties[name]! : true);
    const text = encryptionText(property);
    if (text === undefined || !isJsonObject(schema)) return schema;
    const { description } = schema;
    return { ...schema, description: typeof description === 'string' ? `${description}\n\n${text}` : text };
  }

  #descriptive(): JsonObject {
    const about = Object.entries(this.entity.document).filter(([word]) => !ABOUT_THE_WHOLE.has(word));
    return { type: 'object', ...(this.#document.rewrite(Object.fromEntries(about)) as JsonObject) };
  }

  /** `false` only where the document says so itself and nothing else in it could let further members in. */
  #undeclaredMembers(): JsonObject {
    const closed = this.entity.document.additionalProperties === false && this.entity.document.patternProperties === undefined;
    return closed ? { additionalProperties: false } : {};
  }

  #patched(property: Property): JsonValue {
    const schema = this.#property(property);
    if (!isJsonObject(schema)) return schema;
    const { default: _, title: _title, description: _description, ...constraints } = schema;
    const about = aboutIt(schema);
    // An object is patched member by member: a patch of it need not satisfy what the whole must.
    if (valueTypeOf(property) === 'jsonb' && mayBeObject(constraints)) return about;
    // Where null cannot remove, since the member is required, it is a value like any other.
    if (property.required || property.nullable) return { ...about, ...constraints };
    return { ...about, anyOf: [constraints, { type: 'null' }] };
  }
}

function aboutIt(schema: JsonValue): JsonObject {
  if (!isJsonObject(schema)) return {};
  const { title, description } = schema;
  return { ...(title !== undefined && { title }), ...(description !== undefined && { description }) };
}

function isSettable({ name, readOnly, generated, fixed }: Property): boolean {
  return !readOnly && generated === undefined && !fixed && !isSystemMember(name);
}

function mayBeObject({ type }: JsonObject): boolean {
  return type === undefined || [type].flat().includes('object');
}
