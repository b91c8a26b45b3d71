import { Access } from './access.js';
import { forbidden } from './forbidden.js';
import { type AccessGrant, permissionsUnder } from './grant.js';
import { OPERATIONS, type Operation, ruleOf } from './operations.js';

const GRANT: AccessGrant = {
  ...{ id: '0190a1b2-0000-7000-8000-000000000001', reason: 'the reason of a test', ticket: null },
  ...{ entities: null, access: 'read', expiresAt: new Date(0) },
};
/** Whatever else its token claims. */
const ADMIN = { subject: 'ann', tenantId: null, roles: ['admin', 'auditor', 'system_admin'], claims: {} };

const all = Object.keys(OPERATIONS) as Operation[];

describe('a system administrator under a grant', () => {
  it('has no role of a tenant, whatever the token claims beside', () => {
    const access = Access.under(ADMIN, GRANT);
    expect([access.roles, access.redacts, access.grant]).toEqual([['system_admin'], false, GRANT]);
  });

  it('may nothing that is not said of the grant: no keys, roles, webhooks, trails, definitions, and no end of any past', () => {
    const access = Access.under(ADMIN, { ...GRANT, access: 'write' });
    const permitted = all.filter((operation) => access.may(operation));
    expect(permitted).toEqual([
      ...['entities.read', 'records.read', 'records.create', 'records.update', 'records.delete', 'records.export'],
      ...['records.import', 'history.read', 'deleted.read', 'deleted.restore', 'openapi.read'],
    ]);
    expect(access.permissions()).toEqual(permitted);
  });

  it('changes nothing by one to read', () => {
    const permitted = permissionsUnder(GRANT) as Operation[];
    expect(permitted.filter((operation) => !ruleOf(operation).readOnly)).toEqual([]);
    expect(permitted).toHaveLength(6);
  });

  it('reaches beyond the entities that it names with nothing', () => {
    const access = Access.under(ADMIN, { ...GRANT, entities: ['Order'] });
    expect([access.may('records.read', 'Order'), access.may('records.read', 'Customer'), access.may('records.read')]).toEqual([
      ...[true, false, false],
    ]);
    expect([access.may('openapi.read'), access.may('entities.read')]).toEqual([false, false]);
    expect(access.permissions()).toEqual([
      ...['entities.read:Order', 'records.read:Order', 'records.export:Order', 'history.read:Order', 'deleted.read:Order'],
    ]);
  });

  it('is told what the grant is for', () => {
    const { detail } = forbidden(Access.under(ADMIN, { ...GRANT, entities: ['Order'] }), 'records.create', 'Order');
    expect(detail).toBe('The access grant is one to read and holds for Order alone: it does not permit records.create of Order.');
  });
});
