/**
 * Rewrites schemas of an entity document for OpenAPI 3.1: the dialect's words get their `x-` spelling, and references
 * inside the document become references to components. Used for everything the OpenAPI document says about records.
 */
import { placeOf } from '../model/document/schema-places.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { placeName } from './identifiers.js';
import { localTarget } from './local-reference.js';

/** Keywords of JSON Schema 2020-12 whose value is data. A word that is not among them and holds no schema is the dialect's. */
const STANDARD_DATA = new Set(
  [
    'type enum const multipleOf maximum exclusiveMaximum minimum exclusiveMinimum pattern maxLength minLength maxItems minItems',
    'uniqueItems maxContains minContains maxProperties minProperties required dependentRequired format contentEncoding',
    'contentMediaType title description default deprecated readOnly writeOnly examples',
  ].flatMap((line) => line.split(' ')),
);

/** They name places for `$ref`, which components do here, or speak to the document's author only. */
const LEFT_OUT = new Set(['$schema', '$comment', '$defs']);

/** The `components/schemas` of one OpenAPI document, filled on demand: what nobody refers to is not in it. */
export class SchemaComponents {
  readonly #schemas = new Map<string, JsonValue>();

  /** A reference to the component, which is built at the first call; it may refer to itself. */
  refer(name: string, build: () => JsonValue): JsonObject {
    if (!this.#schemas.has(name)) {
      this.#schemas.set(name, true);
      this.#schemas.set(name, build());
    }
    return { $ref: `#/components/schemas/${name}` };
  }

  toJSON(): JsonObject {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** One entity document, whose schemas can be rewritten. */
export class DocumentSchema {
  constructor(
    private readonly document: JsonObject,
    private readonly identifier: string,
    private readonly components: SchemaComponents,
    /** Something of it is encrypted: references and applicators lead there from anywhere, so that no example is shown. */
    private readonly isSecret = false,
  ) {}

  /** `schema` is a (sub-)schema of the document. Members are created, never assigned: `__proto__` is a name like any other. */
  rewrite(schema: JsonValue): JsonValue {
    if (!isJsonObject(schema)) return schema;
    return Object.fromEntries(
      Object.entries(schema).flatMap(([word, value]) => {
        if (word === '$ref') return this.#reference(value);
        if (LEFT_OUT.has(word) || (word === 'examples' && this.isSecret)) return [];
        if (word === 'properties' && isJsonObject(value)) return [[word, this.#properties(value, schema.required)]];
        return [this.#keyword(word, value)];
      }),
    );
  }

  #properties(properties: JsonObject, required: JsonValue | undefined): JsonObject {
    const names = new Set(Array.isArray(required) ? (required as string[]) : []);
    return Object.fromEntries(
      Object.entries(properties).map(([name, schema]) => {
        const rewritten = this.rewrite(schema);
        return [name, names.has(name) ? rewritten : leavable(rewritten)];
      }),
    );
  }

  #keyword(word: string, value: JsonValue): [string, JsonValue] {
    const place = placeOf(word);
    if (place === 'schema') return [word, this.rewrite(value)];
    if (place === 'list' && Array.isArray(value)) return [word, value.map((schema) => this.rewrite(schema))];
    if (place === 'map' && isJsonObject(value)) return [word, this.#map(value)];
    return [STANDARD_DATA.has(word) || word.startsWith('x-') ? word : `x-${word}`, value];
  }

  #map(schemas: JsonObject): JsonObject {
    return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, this.rewrite(schema)]));
  }

  /** Nothing at all (which permits any value) when the place does not exist: defining the entity has refused that already. */
  #reference(target: JsonValue): [string, JsonValue][] {
    const found = localTarget(this.document, target);
    if (!found) return [];
    const { $ref } = this.components.refer(placeName(this.identifier, found.tokens), () => this.rewrite(found.schema));
    return [['$ref', $ref!]];
  }
}

/**
 * The schema of a member that need not be there. Generators of client code, openapi-typescript for one, take a `default` beside
 * the member for a promise that it always is; one level down it says the same and is taken for what it is.
 */
export function leavable(schema: JsonValue): JsonValue {
  return isJsonObject(schema) && schema.default !== undefined ? { allOf: [schema] } : schema;
}
