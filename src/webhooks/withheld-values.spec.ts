import { viewOf } from '../model/access/entity-view.js';
import { readEntity } from '../model/document/read-entity.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { SealedEvent } from './webhook-message.js';
import { withheldValues } from './withheld-values.js';

const TENANT = { id: 't' } as Tenant;
const PAY = readEntity('pay', {
  type: 'object',
  properties: { month: { type: 'string' }, salary: { type: 'integer', access: { read: ['payroll'] } } },
});
const SEALED = readEntity('sealed', {
  type: 'object',
  additionalProperties: false,
  properties: { name: { type: 'string' }, ssn: { type: 'string', encrypted: true } },
});
const PLAIN = readEntity('plain', { type: 'object', properties: { month: { type: 'string' } } });

/** What whoever holds these roles sees of the tenant's entities. */
const views = {
  of: async (_: Tenant, { roles }: { roles: readonly string[] }) =>
    new Map([PAY, SEALED, PLAIN].map((entity) => [entity.name, { entity: viewOf(entity, { roles, redaction: null }) }])),
};
const redact = withheldValues(views as unknown as Parameters<typeof withheldValues>[0]);

const event = (entity: string | null, body: string, action = 'record.created') => ({ entity, body, action }) as SealedEvent;

describe('what a webhook is sent of a record', () => {
  it('is no value that admins may not read', async () => {
    const { body } = await redact(TENANT, event('pay', '{"after":{"month":"May","salary":4711}}'));
    expect(JSON.parse(body as string)).toEqual({ after: { month: 'May' }, redacted: ['salary'] });
  });

  it('is nothing where nobody knows any more what to withhold', async () => {
    const { body } = await redact(TENANT, event('gone', '{"after":{"salary":4711}}'));
    expect(body).not.toContain('4711');
  });

  it('is no value of what is encrypted by now, nor of what may have been that under another name', async () => {
    const after = { name: 'Ada', ssn: null, called: '078-05-1121' };
    const body = JSON.stringify({ before: { ssn: '078-05-1120', name: 'Ada' }, after });
    const sent = JSON.parse((await redact(TENANT, event('sealed', body, 'record.updated'))).body as string);
    expect(sent).toEqual({ before: { name: 'Ada' }, after: { name: 'Ada' }, redacted: ['ssn', 'called'] });
  });

  it('is commitments that nobody opens of what is encrypted', async () => {
    const sealed = { commitment: `sha256:${'0'.repeat(64)}`, sealed: true };
    const sent = event('sealed', JSON.stringify({ before: { ssn: null }, after: { ssn: sealed } }), 'record.updated');
    expect(await redact(TENANT, sent)).toBe(sent);
  });

  it('is the very text of the trail where nothing is withheld', async () => {
    const sent = event('plain', '{"after":{"month":"May","size":1.10}}');
    expect(await redact(TENANT, sent)).toBe(sent);
    const ofTenant = event(null, '{"detail":{}}', 'role.created');
    expect(await redact(TENANT, ofTenant)).toBe(ofTenant);
  });
});
