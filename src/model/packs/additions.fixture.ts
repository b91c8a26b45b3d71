import type { JsonObject } from '../../platform/json-value.js';
import type { Additions } from './additions.js';

/** The document of a pack's entity. */
export const pack: JsonObject = {
  title: 'Asset',
  type: 'object',
  additionalProperties: false,
  required: ['tag', 'kind'],
  properties: {
    tag: { type: 'string', title: 'Tag', unique: true },
    kind: { type: 'string', enum: ['server', 'other'], 'x-index': true },
    owner: { type: 'string', relation: { entity: 'Person', field: 'email' } },
    anything: true,
  },
  uniqueKeys: [['tag', 'kind']],
  indexes: [['kind', '-created_at'], { fields: ['owner'], method: 'brin' }],
};

/** What a tenant adds to it. */
export const own: Additions = {
  properties: { room: { type: 'string', 'x-unique': true }, floor: { type: 'integer', 'x-index': true } },
  required: ['room'],
  uniqueKeys: [['room', 'tag']],
  indexes: [['floor', '-kind']],
};
