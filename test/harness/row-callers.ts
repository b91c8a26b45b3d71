import type { JsonObject } from '../../src/platform/json-value.js';
import type { Call } from './definitions.js';
import type { Method, TestService, TestTenant } from './service.js';

/** Callers of one tenant whom row rules tell apart: by roles, subject and claims of their tokens. */

export interface Bearer {
  readonly roles?: readonly string[];
  readonly subject?: string;
  readonly claims?: JsonObject;
}

export async function callAs(
  test: TestService,
  tenant: TestTenant,
  { roles = ['viewer'], subject = 'kim', claims = {} }: Bearer,
): Promise<Call> {
  const token = await test.issuer.sign({ subject, tenantId: tenant.id, roles, claims });
  return (method: Method, path: string) => test.request(token, method, `/api/v1/tenants/${tenant.id}${path}`);
}

/** A role of the tenant's own that may do everything with records, and whose rows are what rules give it. */
export async function makeRole(tenant: TestTenant, name: string): Promise<void> {
  const permissions = [
    ...['records.read', 'records.create', 'records.update', 'records.delete', 'records.export', 'records.import'],
    ...['history.read', 'history.purge', 'deleted.read', 'deleted.restore', 'deleted.purge', 'entities.read', 'openapi.read'],
  ];
  const admin = await tenant.as();
  await admin('put', `/roles/${name}`).send({ permissions }).expect(201);
}
