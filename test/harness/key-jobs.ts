import type { KeyJob } from '../../src/encryption/key-job.js';
import { eventually } from './eventually.js';
import type { TestTenant } from './service.js';

/** People with something to encrypt, and work on the keys that it is under. */

const EQUALITY = { searchable: 'equality' };

export const PERSON = {
  type: 'object',
  history: 'full',
  softDelete: true,
  properties: {
    number: { type: 'integer' },
    ssn: { type: 'string', encrypted: EQUALITY, unique: true },
    salary: { type: 'string', format: 'decimal', precision: 12, scale: 2, encrypted: EQUALITY },
    diagnosis: { type: ['string', 'null'], encrypted: true },
  },
  required: ['number'],
  additionalProperties: false,
};

export const personOf = (number: number) => ({
  ...{ number, ssn: `ssn-${number}`, salary: `${number}.50`, diagnosis: number % 3 === 0 ? null : `cold ${number}` },
});

/** @throws where it failed, or met something that it waits for */
export async function finishedKeyJob(call: Awaited<ReturnType<TestTenant['as']>>, id: string): Promise<KeyJob> {
  const look = async (): Promise<KeyJob> => (await call('get', `/keys/jobs/${id}`).expect(200)).body;
  await eventually(async () => {
    const { status, error } = await look();
    if (status === 'failed' || error) throw new Error(`${status}: ${JSON.stringify(error)}`);
    return status === 'done';
  });
  return look();
}
