import type { Test } from 'supertest';
import type { Method, TestService } from './service.js';

/** System administrators and their access grants, as tests use them. */

export interface MadeGrant {
  readonly id: string;
  readonly expiresAt: string;
}

type Use = (method: Method, path: string, grant?: string | null) => Test;

/** A way to ask in the name of one system administrator; the path is whole. */
export async function systemAdmin(test: TestService, subject: string): Promise<Use> {
  const bearer = await test.issuer.sign({ subject, roles: ['system_admin'] });
  return (method, path, grant = null) => {
    const request = test.request(bearer, method, path);
    return grant === null ? request : request.set('x-access-grant', grant);
  };
}

/** Of `by`'s own. @throws when it is refused */
export async function makeGrant(by: Use, tenants: readonly { readonly id: string }[], body: object = {}): Promise<MadeGrant> {
  const wanted = { tenants: tenants.map(({ id }) => id), reason: 'Customer reports wrong totals', ticket: 'SUP-1', ...body };
  const made = await by('post', '/api/v1/grants').send(wanted);
  if (made.status !== 201) throw new Error(`grant: ${made.status} ${made.text}`);
  return made.body;
}

/** As superuser: so long ago that it has expired by now, whatever this process's clock says. */
export async function letExpire(test: TestService, { id }: MadeGrant): Promise<void> {
  await test.database.admin(
    `update business_store_service.access_grants set created_at = created_at - interval '1 hour', expires_at = now() where grant_id = $1`,
    [id],
  );
}
