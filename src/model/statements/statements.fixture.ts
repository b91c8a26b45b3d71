import { readEntity } from '../document/read-entity.js';
import type { TenantHome } from '../entity.js';

export const HOME: TenantHome = {
  tenantId: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b',
  schema: 't_k3x9',
  role: 'tn_k3x9',
  ownerRole: 'own_k3x9',
};

export const PRICE = readEntity('Price', {
  type: 'object',
  required: ['sku'],
  properties: {
    sku: { type: 'string' },
    amount: { type: 'string', format: 'decimal', precision: 10, scale: 2 },
    tags: { type: 'array' },
  },
});

export const WRITER = { subject: 'ada', requestId: 'req-1' };
