import { Injectable } from '@nestjs/common';
import type { Access } from '../access/access.js';
import { TenantKeys } from '../keys/tenant-keys.js';
import { isRedacted, isSeenAlike, rolesThatMatter, type Sight } from '../model/access/entity-view.js';
import type { RowCaller } from '../model/access/row-rule-claim.js';
import { isKeptBack, type Property } from '../model/entity.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { DefinedEntity } from './defined-entity.js';
import { EntityRegistry } from './entity-registry.js';
import { underKeys } from './keyed-entities.js';
import { withOwnRows } from './own-rows.js';
import { RedactionKeys } from './redaction-keys.js';

/**
 * A tenant's entities as a caller sees them. Whatever reads or writes records takes them from here, so that no path knows more of an
 * entity than the caller may. Views are kept per combination of the roles that matter; most tenants have one.
 */

type Entities = ReadonlyMap<string, DefinedEntity>;

/** Whoever sees. */
type Seer = Pick<Access, 'roles' | 'redacts' | 'claims' | 'principal'>;

/** Of one state of a tenant's registry. */
interface Views {
  /** Roles that some document names; null: everybody who does not read redacted sees everything. */
  readonly matter: ReadonlySet<string> | null;
  /** Something is redacted for those who do. */
  readonly redacts: boolean;
  readonly seen: Map<string, Entities>;
}

/** Combinations of roles that one state of a registry is kept for. */
const MOST_VIEWS = 64;

/** Entities without these words are not read for it: a tenant may have hundreds, and most requests need one. */
const KEEPS_BACK = /"(?:x-)?(?:access|pii|redact)"\s*:/;

/** Of relations to other keys than the id. */
const HAS_FIELD = /"field"\s*:/;

@Injectable()
export class EntityViews {
  private readonly views = new WeakMap<Entities, Views>();

  constructor(
    private readonly registry: EntityRegistry,
    private readonly redactionKeys: RedactionKeys,
    private readonly tenantKeys: TenantKeys,
  ) {}

  async of(tenant: Tenant, seer: Seer): Promise<Entities> {
    return this.forCaller(tenant, await this.registry.of(tenant), seer);
  }

  /** An entity and, of the same moment, all of its tenant. @throws Problem entity/not-found */
  async find(tenant: Tenant, seer: Seer, name: string): Promise<{ defined: DefinedEntity; entities: Entities }> {
    const found = await this.registry.find(tenant, name);
    const entities = this.forCaller(tenant, found.entities, seer);
    return { defined: entities.get(name) as DefinedEntity, entities };
  }

  /** For what is seen by other documents than those in force. */
  sightOf(tenant: Tenant, { roles, redacts }: Pick<Seer, 'roles' | 'redacts'>): Sight {
    return { roles, redaction: redacts ? this.redactionKeys.of(tenant.id) : null };
  }

  private forCaller(tenant: Tenant, all: Entities, seer: Seer): Entities {
    const keyed = underKeys(all, () => this.tenantKeys.peek(tenant.id));
    return withOwnRows(this.seen(tenant, keyed, seer), () => callerOf(seer));
  }

  private seen(tenant: Tenant, entities: Entities, seer: Seer): Entities {
    const views = this.viewsOf(entities);
    const redacts = views.redacts && seer.redacts;
    if (views.matter === null && !redacts) return entities;
    const roles = seer.roles.filter((role) => views.matter?.has(role)).sort();
    // No role is called so.
    const key = [...roles, ...(redacts ? ['*'] : [])].join(' ');
    const known = views.seen.get(key);
    if (known) return known;
    const sight = this.sightOf(tenant, { roles, redacts });
    const view = withoutBlindRelations(
      new Map([...entities].map(([name, defined]) => [name, keepsBack(defined) ? defined.seenBy(sight, key) : defined])),
    );
    if (views.seen.size >= MOST_VIEWS) views.seen.delete(views.seen.keys().next().value as string);
    views.seen.set(key, view);
    return view;
  }

  private viewsOf(entities: Entities): Views {
    const known = this.views.get(entities);
    if (known) return known;
    const read = [...entities.values()].filter(keepsBack).map(({ entity }) => entity);
    const restricted = read.filter((entity) => !isSeenAlike(entity));
    const matter = restricted.length === 0 ? null : new Set(restricted.flatMap((entity) => [...rolesThatMatter(entity)]));
    const views: Views = { matter, redacts: read.some(isRedacted), seen: new Map() };
    this.views.set(entities, views);
    return views;
  }
}

function callerOf({ roles, claims, principal }: Seer): RowCaller {
  return { subject: principal.subject, roles, claims };
}

/** Whoever may not read a key sets no relation to it: that there is such a record, or none, would tell the key. */
function withoutBlindRelations(view: Map<string, DefinedEntity>): Map<string, DefinedEntity> {
  const kept = new Map(
    [...view].flatMap(([name, defined]) => {
      const keys = keepsBack(defined) ? defined.entity.properties.filter(isKeptBack).map((property) => property.name) : [];
      return keys.length === 0 ? [] : [[name, new Set(keys)] as const];
    }),
  );
  if (kept.size === 0) return view;
  const isBlind = ({ relation }: Property): boolean => relation !== undefined && !!kept.get(relation.entity)?.has(relation.field);
  for (const [name, defined] of view) {
    if (!HAS_FIELD.test(defined.entry.text) || !defined.entity.properties.some(isBlind)) continue;
    const properties = defined.entity.properties.map((each) => (isBlind(each) ? { ...each, fixed: true as const } : each));
    view.set(name, defined.seenAs({ ...defined.entity, properties }));
  }
  return view;
}

function keepsBack({ entry }: DefinedEntity): boolean {
  return KEEPS_BACK.test(entry.text);
}
