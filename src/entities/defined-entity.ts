import { readEntity } from '../model/document/read-entity.js';
import type { Entity, TenantHome } from '../model/entity.js';
import { compileValidator, type RecordValidator } from '../model/validation/validator.js';
import type { JsonObject } from '../platform/json-value.js';

/** A tenant's entity as requests use it. Reading the document and compiling its validator cost milliseconds: once each. */
export class DefinedEntity {
  private parsed: Entity | null = null;
  private compiled: RecordValidator | null = null;

  constructor(
    readonly home: TenantHome,
    /** Of the entity, for ever: a name may be given again, an id is not. */
    readonly id: string,
    readonly name: string,
    readonly version: number,
    readonly document: JsonObject,
  ) {}

  get entity(): Entity {
    this.parsed ??= readEntity(this.name, this.document);
    return this.parsed;
  }

  get validator(): RecordValidator {
    this.compiled ??= compileValidator(this.entity);
    return this.compiled;
  }
}
