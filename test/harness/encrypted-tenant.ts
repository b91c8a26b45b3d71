import { uuidV7 } from '../../src/platform/uuid.js';
import type { TestService, TestTenant } from './service.js';

/** A tenant with people in it, some of whose values are encrypted, and whose past is kept. */

export const PERSON = {
  type: 'object',
  history: 'full',
  softDelete: true,
  properties: {
    name: { type: 'string' },
    ssn: { type: 'string', encrypted: { searchable: 'equality' }, unique: true },
    diagnosis: { type: ['string', 'null'], encrypted: true },
  },
  required: ['name'],
  additionalProperties: false,
} as const;

export const ADA = { name: 'Ada', ssn: '123-45-6789', diagnosis: 'secret cold' };

export interface EncryptedTenant {
  readonly tenant: TestTenant;
  /** Was changed once: her diagnosis was another. */
  readonly ada: string;
  /** Was deleted. */
  readonly gone: string;
  /** With which Ada was made. */
  readonly idempotencyKey: string;
}

export async function encryptedTenant(test: TestService): Promise<EncryptedTenant> {
  const tenant = await test.tenant();
  await tenant.define('person', PERSON);
  const call = await tenant.as();
  const idempotencyKey = uuidV7();
  const first = { ...ADA, diagnosis: 'broken arm' };
  const made = await call('post', '/records/person').set('idempotency-key', idempotencyKey).send(first).expect(201);
  await call('patch', `/records/person/${made.body.id}`).send({ diagnosis: ADA.diagnosis }).expect(200);
  const gone = await call('post', '/records/person').send({ name: 'Bob', ssn: '987-65-4321', diagnosis: 'none' }).expect(201);
  await call('delete', `/records/person/${gone.body.id}`).expect(204);
  return { tenant, ada: made.body.id, gone: gone.body.id, idempotencyKey };
}
