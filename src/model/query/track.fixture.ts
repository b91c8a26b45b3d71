import { type Entity, KEEPS_NOTHING, type Property, type TenantHome } from '../entity.js';

/** An entity with a column of every type and names that need care, for the specs beside it. */

export const HOME: TenantHome = {
  tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  schema: 't_k3x9',
  role: 'tn_k3x9',
  ownerRole: 'own_k3x9',
};

export const TRACK: Entity = {
  name: 'Track',
  table: 'track',
  properties: [
    property('Name', { column: 'name', required: true }),
    property('AlbumId', { column: 'album_id', type: 'bigint' }),
    property('UnitPrice', { column: 'unit_price', type: 'numeric', precision: 10, scale: 2 }),
    property('Rating', { column: 'rating', type: 'double precision' }),
    property('Explicit', { column: 'explicit', type: 'boolean' }),
    property('Recorded', { column: 'recorded', type: 'date' }),
    property('PlayedAt', { column: 'played_at', type: 'timestamptz' }),
    property('Remind', { column: 'remind', type: 'timestamp' }),
    property('Start', { column: 'start', type: 'time' }),
    property('Source', { column: 'source', type: 'inet' }),
    property('Cover', { column: 'cover', type: 'bytea' }),
    property('Owner', { column: 'owner', type: 'uuid' }),
    property('Credits', { column: 'credits', type: 'jsonb' }),
    property('Secret', { column: 'secret', writeOnly: true }),
    property('a.b', { column: 'a_b_1' }),
    property('say "hi", (now)', { column: 'say_hi_2' }),
    property('order', { column: 'order' }),
    property('or', { column: 'or' }),
    property('kebab-case', { column: 'kebab_case' }),
  ],
  keepsExtras: true,
  uniqueKeys: [],
  indexes: [],
  concurrency: 'optional',
  keeps: KEEPS_NOTHING,
  document: {},
};

function property(name: string, rest: Partial<Property>): Property {
  return {
    name,
    column: name,
    type: 'text',
    required: false,
    nullable: false,
    checks: [],
    immutable: false,
    readOnly: false,
    writeOnly: false,
    ...rest,
  };
}
