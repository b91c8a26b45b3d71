import type { ControlPlane } from '../database/control-plane.js';
import { tenantPin } from '../model/ddl/add-check.js';
import type { Entity, TenantHome } from '../model/entity.js';
import type { TableCatalog } from '../model/plan/catalog.js';

/**
 * What Postgres prints for the table of a document, remembered as long as the document itself: a thousand tenants of a pack share
 * theirs. Only the pin and the policies name the tenant, and nothing of the document is in them. A server that spells something
 * anew after its upgrade makes what is remembered look different, so nobody is told of a difference that was found with it.
 */
export class ExpectedCatalogs {
  private readonly known = new WeakMap<Entity, { readonly home: TenantHome; readonly catalog: TableCatalog }>();

  /** Of one database. */
  static of(controlPlane: ControlPlane): ExpectedCatalogs {
    const found = all.get(controlPlane) ?? new ExpectedCatalogs();
    all.set(controlPlane, found);
    return found;
  }

  /** As it is in this tenant; undefined when nobody has made the document's table yet. */
  find(entity: Entity, home: TenantHome): TableCatalog | undefined {
    const made = this.known.get(entity);
    if (!made) return undefined;
    const { home: from, catalog } = made;
    const pin = tenantPin(from, entity).name;
    const moved = <T extends { readonly definition: string }>(item: T): T => ({
      ...item,
      definition: item.definition.replaceAll(from.tenantId, home.tenantId).replaceAll(from.role, home.role),
    });
    return {
      ...catalog,
      constraints: catalog.constraints.map((constraint) => (constraint.name === pin ? moved(constraint) : constraint)),
      policies: catalog.policies.map(moved),
    };
  }

  keep(entity: Entity, home: TenantHome, catalog: TableCatalog): void {
    this.known.set(entity, { home, catalog });
  }
}

const all = new WeakMap<ControlPlane, ExpectedCatalogs>();
