import type { Entity, Shadow, TenantHome } from '../model/entity.js';
import { pastOf } from '../model/past/past-tables.js';
import type { RecordValidator } from '../model/validation/validator.js';
import type { JsonObject } from '../platform/json-value.js';
import { ReadDocument } from './read-documents.js';

/** What a tenant's registry says of an entity. */
export interface RegistryEntry {
  /** Of the entity, for ever: a name may be given again, an id is not. */
  readonly id: string;
  readonly name: string;
  readonly version: number;
  /** JSON text of the document. */
  readonly text: string;
  /** JSON text of what is being prepared, if anything is. */
  readonly transition: string | null;
  readonly pack: { readonly name: string; readonly version: string } | null;
}

/** A change of type being prepared: every write keeps these columns in step. */
export interface PreparedTransition {
  readonly changeId: string;
  readonly shadows: readonly Shadow[];
}

function shadowsOf(transition: string | null): Pick<Entity, 'shadows'> {
  return transition === null ? {} : { shadows: (JSON.parse(transition) as PreparedTransition).shadows };
}

/** A tenant's entity as requests use it. */
export class DefinedEntity {
  private made: Entity | null = null;
  private parsed: JsonObject | null = null;
  private held: ReadDocument | null = null;

  constructor(
    readonly home: TenantHome,
    readonly entry: RegistryEntry,
  ) {}

  get id(): string {
    return this.entry.id;
  }

  get name(): string {
    return this.entry.name;
  }

  get version(): number {
    return this.entry.version;
  }

  get document(): JsonObject {
    this.parsed ??= JSON.parse(this.entry.text) as JsonObject;
    return this.parsed;
  }

  get entity(): Entity {
    if (this.made) return this.made;
    const { entity } = this.read;
    const { id, version, transition } = this.entry;
    const past = pastOf(entity, id, version);
    const isOwn = past !== undefined || transition !== null;
    this.made = isOwn ? { ...entity, ...(past ? { past } : {}), ...shadowsOf(transition) } : entity;
    return this.made;
  }

  get validator(): RecordValidator {
    return this.read.validator;
  }

  private get read(): ReadDocument {
    this.held ??= ReadDocument.of(this.name, this.document, this.entry.text);
    return this.held;
  }
}
