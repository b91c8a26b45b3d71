import type { Row } from '../database/statement-batch.js';
import type { Statement } from '../model/sql.js';
import type { JsonValue } from '../platform/json-value.js';

/** A dropped property whose values are kept, hidden, until it is restored or purged. */
export interface RetainedProperty {
  readonly column: string;
  readonly property: string;
  /** The schema it had. */
  readonly definition: JsonValue;
  readonly required: boolean;
  readonly droppedVersion: number;
  /** RFC 3339, UTC. */
  readonly droppedAt: string;
  readonly purgeAt: string;
}

/** Of one entity, newest first. To be run inside the tenant. */
export function retainedStatement(tenantId: string, entityId: string): Statement {
  return {
    text: `select column_name, property, definition, required, dropped_version,
  to_json(dropped_at at time zone 'UTC')#>>'{}', to_json(purge_at at time zone 'UTC')#>>'{}'
from business_store_service.retained_properties
where tenant_id = $1
  and entity_id = $2
order by dropped_version desc, property`,
    values: [tenantId, entityId],
  };
}

export function readRetained([column, property, definition, required, version, droppedAt, purgeAt]: Row): RetainedProperty {
  return {
    ...{ column: column as string, property: property as string, definition: JSON.parse(definition as string) },
    ...{ required: required === 't', droppedVersion: Number(version), droppedAt: `${droppedAt}Z`, purgeAt: `${purgeAt}Z` },
  };
}
