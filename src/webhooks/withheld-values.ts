import { Access } from '../access/access.js';
import type { EntityViews } from '../entities/entity-views.js';
import { trailView } from '../model/access/trail-view.js';
import { isKeptBack } from '../model/entity.js';
import { isSealed } from '../model/sealed/with-ciphers.js';
import type { JsonObject } from '../platform/json-value.js';
import type { Redaction } from './webhook-message.js';

/**
 * Admins make webhooks: receivers get no value that admins may not read themselves. Of what is personal or encrypted the trail has
 * commitments; what it tells of the time before a property was encrypted is not sent any more.
 */

const ADMIN = Access.of({ subject: 'business-store', tenantId: null, roles: ['admin'], claims: null });

export function withheldValues(views: EntityViews): Redaction {
  return async (tenant, event) => {
    const { entity: name, action, body } = event;
    if (name === null || body === null || !action.startsWith('record.')) return event;
    const entity = (await views.of(tenant, ADMIN)).get(name)?.entity;
    if (entity && !entity.rows && !entity.properties.some(isKeptBack) && !isSealed(entity)) return event;
    const { content, redacted } = trailView(JSON.parse(body) as JsonObject, null, entity ?? null, true);
    return redacted.length === 0 ? event : { ...event, body: JSON.stringify({ ...content, redacted }) };
  };
}
