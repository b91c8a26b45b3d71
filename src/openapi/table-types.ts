/**
 * One entity as supabase-js wants a table described: what is read, what an insert and an update take, and the relations. Types
 * are those of the wire: `/rest/v1` answers null for an absent member, exact decimals and times are strings.
 */
import { relationConstraintName } from '../model/ddl/add-relation.js';
import {
  type ColumnType,
  type Entity,
  isKeptBack,
  isReturned,
  isSystemMember,
  type Property,
  type Relation,
  SYSTEM_MEMBERS,
  valueTypeOf,
} from '../model/entity.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { type Definitions, SchemaTypes, union } from './schema-type.js';
import { encryptionText } from './sealed-entities.js';
import { block, docComment, member, textLiteral } from './typescript-text.js';

/** Columns whose values are in JSON what the schema says; the others have a text of their own, so that no literal fits. */
const AS_IN_SCHEMA: ReadonlySet<ColumnType> = new Set(['text', 'bigint', 'double precision', 'boolean', 'jsonb']);

/** `{ Row; Insert; Update; Relationships }` */
export function tableType(entity: Entity, entities: ReadonlyMap<string, Entity>, definitions: Definitions): string {
  return new TableTypes(entity, definitions).table(entities);
}

/** Whether there is at most one record for every value of the property. */
export function isUniqueAlone({ uniqueKeys }: Entity, { name }: Property): boolean {
  return uniqueKeys.some(({ properties }) => properties.length === 1 && properties[0] === name);
}

/** What a document says about itself or a property, and what there is more to say, as a comment. */
export function commentOn(schema: JsonValue, more?: string): string {
  if (!isJsonObject(schema)) return '';
  const { title, description, deprecated } = schema;
  const paragraphs = [title, description, more].filter((text) => typeof text === 'string');
  return docComment(paragraphs, deprecated === true ? ['@deprecated'] : []);
}

class TableTypes {
  readonly #types: SchemaTypes;
  readonly #schemas: JsonObject;
  readonly #properties: readonly Property[];

  constructor(
    private readonly entity: Entity,
    definitions: Definitions,
  ) {
    this.#types = new SchemaTypes(entity.document, entity.name, definitions);
    this.#schemas = isJsonObject(entity.document.properties) ? entity.document.properties : {};
    this.#properties = entity.properties.filter(({ name }) => !isSystemMember(name));
  }

  table(entities: ReadonlyMap<string, Entity>): string {
    const relationships = this.#properties.flatMap((property) => this.#relationship(property, entities));
    return block([
      member('Row', this.#row()),
      member('Insert', this.#insert()),
      member('Update', this.#update()),
      member('Relationships', relationships.length === 0 ? '[]' : `[${relationships.join(', ')}]`),
    ]);
  }

  #row(): string {
    const system = Object.entries(SYSTEM_MEMBERS).map(([name, type]) => member(name, type === 'bigint' ? 'number' : 'string'));
    const readable = this.#properties.filter(isReturned);
    return block([...system, ...readable.map((property) => this.#member(property, this.#orNull(property, !property.required)))]);
  }

  /** What has a default may be left out. */
  #insert(): string {
    const settable = this.#properties.filter(isSettable);
    const members = settable.map((property) => {
      return this.#member(property, this.#orNull(property, false), !property.required || property.default !== undefined);
    });
    return block([member('id', 'string', { optional: true }), ...members]);
  }

  /** A patch: null takes away what is optional. */
  #update(): string {
    const changeable = this.#properties.filter((property) => isSettable(property) && !property.immutable);
    return block(changeable.map((property) => this.#member(property, this.#orNull(property, !property.required), true)));
  }

  #member(property: Property, type: string, optional = false): string {
    const { name } = property;
    return member(name, type, { optional, comment: commentOn(this.#schema(name), encryptionText(property)) });
  }

  #orNull(property: Property, always: boolean): string {
    const { name, nullable, redacted } = property;
    if (redacted) return withNull('string', always || nullable);
    if (AS_IN_SCHEMA.has(valueTypeOf(property))) return withNull(this.#types.typeOf(this.#schema(name)), always);
    return withNull('string', always || nullable);
  }

  #schema(name: string): JsonValue {
    return Object.hasOwn(this.#schemas, name) ? this.#schemas[name]! : true;
  }

  /** A target that is not in the tenant would name a table that is not in the type. */
  #relationship(property: Property, entities: ReadonlyMap<string, Entity>): string[] {
    const { relation, name } = property;
    if (!relation || isKeptBack(property) || !leads(entities.get(relation.entity), relation)) return [];
    return [
      block([
        member('foreignKeyName', textLiteral(relationConstraintName(this.entity, property))),
        member('columns', `[${textLiteral(name)}]`),
        member('isOneToOne', String(isUniqueAlone(this.entity, property))),
        member('referencedRelation', textLiteral(relation.entity)),
        member('referencedColumns', `[${textLiteral(relation.field)}]`),
      ]),
    ];
  }
}

/** Whether the caller may follow the relation to this target. */
export function leads(target: Entity | undefined, { field }: Relation): boolean {
  return target !== undefined && !target.properties.some((property) => property.name === field && isKeptBack(property));
}

function withNull(type: string, isNullable: boolean): string {
  return !isNullable || type.endsWith(' | null') ? type : union([type, 'null']);
}

function isSettable({ readOnly, generated, fixed }: Property): boolean {
  return !readOnly && generated === undefined && !fixed;
}
