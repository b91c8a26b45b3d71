import { type Sight, viewOf } from '../model/access/entity-view.js';
import type { Entity, Shadow, TenantHome } from '../model/entity.js';
import { pastOf } from '../model/past/past-tables.js';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import { type Fields, withFields } from '../model/sealed/fields.js';
import { withCiphers } from '../model/sealed/with-ciphers.js';
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
  /** What its encrypted properties are called for ever. */
  readonly fields: Fields;
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

/** Of one entity: as many as there are combinations of the roles that it names, and no more than this at once. */
const MOST_VIEWS = 64;

/** A tenant's entity as requests use it. */
export class DefinedEntity {
  private made: Entity | null = null;
  private parsed: JsonObject | null = null;
  private held: ReadDocument | null = null;
  private whole: DefinedEntity | undefined;
  private ciphers: FieldCiphers | undefined;
  /** As it is seen by callers whom something is kept from. */
  private readonly views = new Map<string, DefinedEntity>();

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
    const { id, version, transition, fields } = this.entry;
    const entity = withFields(this.read.entity, fields);
    const past = pastOf(entity, id, version);
    const isOwn = past !== undefined || transition !== null;
    this.made = isOwn ? { ...entity, ...(past ? { past } : {}), ...shadowsOf(transition) } : entity;
    return this.made;
  }

  /** As callers see it; the very same where nothing is kept from them. @param key of the sight, the same for equal ones */
  seenBy(sight: Sight, key: string): DefinedEntity {
    const known = this.views.get(key);
    if (known) return known;
    const entity = viewOf(this.entity, sight);
    const seen = entity === this.entity ? this : this.seenAs(entity);
    if (this.views.size >= MOST_VIEWS) this.views.clear();
    this.views.set(key, seen);
    return seen;
  }

  /** @param entity this one, of which fewer rows, or of the targets of its relations, are the caller's */
  withFewerRows(entity: Entity): DefinedEntity {
    const view = this.seenAs(entity);
    view.whole = this;
    return view;
  }

  /** The same with all rows; undefined: this one has them. */
  get withAllRows(): DefinedEntity | undefined {
    return this.whole;
  }

  /** With the keys that are open. */
  underKeys(ciphers: FieldCiphers): DefinedEntity {
    const view = this.seenAs(withCiphers(this.entity, this.id, ciphers));
    view.ciphers = ciphers;
    return view;
  }

  /** A former version of it, to be read under the same keys. */
  keyed(was: Entity): Entity {
    return this.ciphers ? withCiphers(was, this.id, this.ciphers) : was;
  }

  /** @param entity this one, of which more is kept back */
  seenAs(entity: Entity): DefinedEntity {
    const view = new DefinedEntity(this.home, this.entry);
    view.made = entity;
    view.parsed = this.parsed;
    view.held = this.held;
    view.ciphers = this.ciphers;
    return view;
  }

  get validator(): RecordValidator {
    return this.read.validator;
  }

  private get read(): ReadDocument {
    this.held ??= ReadDocument.of(this.name, this.document, this.entry.text);
    return this.held;
  }
}
