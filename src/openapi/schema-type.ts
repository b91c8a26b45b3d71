/**
 * From the schemas inside an entity document to TypeScript. Every valid value has the type; the type may have values that
 * are not valid, since TypeScript cannot say all that JSON Schema can. What a schema leaves open is `Json`.
 */
import { isJsonObject, type JsonObject, type JsonValue, pointer } from '../platform/json-value.js';
import { localTarget } from './local-reference.js';
import { block, memberName, textLiteral, valueLiteral } from './typescript-text.js';

const ANY = 'Json';
const ANY_MEMBER = '[key: string]: Json | undefined;';

/** What `$ref`s lead to, each under a name of its own, since it may lead to itself. Filled on demand. */
export class Definitions {
  readonly #types = new Map<string, string>();

  /** The type's name; it is built at the first call. */
  refer(name: string, build: () => string): string {
    if (!this.#types.has(name)) {
      this.#types.set(name, ANY);
      this.#types.set(name, build());
    }
    return `Definitions[${textLiteral(name)}]`;
  }

  /** The members of the type `Definitions`, by their names. */
  members(): readonly string[] {
    return [...this.#types].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, type]) => `${memberName(name)}: ${type};`);
  }
}

/** The schemas of one entity document. */
export class SchemaTypes {
  constructor(
    private readonly document: JsonObject,
    /** Of the entity; no other document of the tenant has it. */
    private readonly name: string,
    private readonly definitions: Definitions,
  ) {}

  typeOf(schema: JsonValue): string {
    return this.#said(schema) ?? ANY;
  }

  /** Undefined: any value will do. */
  #said(schema: JsonValue): string | undefined {
    if (schema === false) return 'never';
    if (!isJsonObject(schema)) return undefined;
    const { $ref, allOf, anyOf, oneOf } = schema;
    return intersection([
      $ref === undefined ? undefined : this.#referred($ref),
      this.#own(schema),
      ...(Array.isArray(allOf) ? allOf.map((branch) => this.#said(branch)) : []),
      this.#either(anyOf),
      this.#either(oneOf),
    ]);
  }

  #referred(reference: JsonValue): string | undefined {
    const target = localTarget(this.document, reference);
    if (!target) return undefined;
    const name = `${this.name}#${target.tokens.reduce((at, token) => pointer(at, token), '')}`;
    return this.definitions.refer(name, () => this.typeOf(target.schema));
  }

  /** One branch that leaves everything open leaves it open altogether. */
  #either(branches: JsonValue | undefined): string | undefined {
    if (!Array.isArray(branches)) return undefined;
    const types = branches.map((branch) => this.#said(branch));
    return types.includes(undefined) ? undefined : union(types as string[]);
  }

  #own(schema: JsonObject): string | undefined {
    const types = schema.type === undefined ? undefined : ([schema.type].flat() as string[]);
    const choices = Object.hasOwn(schema, 'const') ? [schema.const!] : schema.enum;
    if (Array.isArray(choices)) {
      return union(
        (choices as JsonValue[]).filter((value) => !types || types.some((type) => isOf(value, type))).map(valueLiteral),
      );
    }
    return types && union(types.map((type) => this.#typed(type, schema)));
  }

  #typed(type: string, schema: JsonObject): string {
    switch (type) {
      case 'integer':
        return 'number';
      case 'array':
        return this.#array(schema);
      case 'object':
        return this.#object(schema);
      case 'string':
      case 'number':
      case 'boolean':
      case 'null':
        return type;
      default:
        return ANY;
    }
  }

  #array({ items = true, prefixItems, minItems = 0 }: JsonObject): string {
    const element = this.typeOf(items);
    if (!Array.isArray(prefixItems)) return /^\w+$/.test(element) ? `${element}[]` : `Array<${element}>`;
    const first = (prefixItems as JsonValue[]).map((item, index) => {
      return index < Number(minItems) ? this.typeOf(item) : `(${this.typeOf(item)})?`;
    });
    return `[${[...first, ...(items === false ? [] : [`...Array<${element}>`])].join(', ')}]`;
  }

  /** Undeclared members are in the type only where the schema speaks of them: a mistyped name should be a mistake. */
  #object(schema: JsonObject): string {
    const { additionalProperties, patternProperties } = schema;
    const properties = isJsonObject(schema.properties) ? schema.properties : {};
    const required = new Set(Array.isArray(schema.required) ? (schema.required as string[]) : []);
    const declared = Object.entries(properties).map(
      ([name, property]) => `${memberName(name)}${required.has(name) ? '' : '?'}: ${this.typeOf(property)};`,
    );
    const undeclared = [...required]
      .filter((name) => !Object.hasOwn(properties, name))
      .map((name) => `${memberName(name)}: ${ANY};`);
    const members = [...declared, ...undeclared];
    if (patternProperties !== undefined || additionalProperties === true) return block([...members, ANY_MEMBER]);
    if (isJsonObject(additionalProperties)) {
      // What an index says has to hold of the declared members as well.
      return block(members.length > 0 ? [...members, ANY_MEMBER] : [`[key: string]: ${this.typeOf(additionalProperties)};`]);
    }
    if (members.length > 0) return block(members);
    return block([additionalProperties === false ? '[key: string]: never;' : ANY_MEMBER]);
  }
}

/** Of nothing it is `never`. */
export function union(types: readonly string[]): string {
  return [...new Set(types)].join(' | ') || 'never';
}

function intersection(types: readonly (string | undefined)[]): string | undefined {
  const said = [...new Set(types.filter((type) => type !== undefined))];
  if (said.length <= 1) return said[0];
  return said.map((type) => (type.includes(' | ') ? `(${type})` : type)).join(' & ');
}

function isOf(value: JsonValue, type: string): boolean {
  if (value === null) return type === 'null';
  if (Array.isArray(value)) return type === 'array';
  if (typeof value === 'number') return type === 'number' || (type === 'integer' && Number.isInteger(value));
  return typeof value === type;
}
