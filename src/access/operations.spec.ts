import { mayPerform, OPERATIONS, type Operation, permissionsOf } from './operations.js';
import type { Principal, Role } from './principal.js';

/** What an API key may do: what its roles may, and of that what its scopes leave. */

const key = (roles: readonly Role[], scopes: readonly string[] | null): Principal => ({
  ...{ subject: 'api-key:1', tenantId: 't', roles },
  apiKey: { id: '1', name: 'a key', scopes, expiresAt: null },
});
const OPERATION_NAMES = Object.keys(OPERATIONS) as Operation[];

describe('an API key', () => {
  it('never sees, makes or ends API keys, whatever its roles and scopes', () => {
    for (const scopes of [null, ['apiKeys.read', 'apiKeys.manage']]) {
      for (const operation of ['apiKeys.read', 'apiKeys.manage'] as const) {
        expect(mayPerform(key(['admin'], scopes), operation)).toBe(false);
      }
    }
  });

  it('may nothing that its scopes do not name, for which entity ever', () => {
    const narrow = key(['admin'], ['records.read:Note', 'records.create']);
    expect(mayPerform(narrow, 'records.read')).toBe(false);
    expect(mayPerform(narrow, 'records.read', 'Other')).toBe(false);
    expect(mayPerform(narrow, 'records.read', 'note')).toBe(false);
    expect(mayPerform(narrow, 'records.update', 'Note')).toBe(false);
    expect(mayPerform(narrow, 'records.read', 'Note')).toBe(true);
    expect(mayPerform(narrow, 'records.create', 'Other')).toBe(true);
    expect(mayPerform(narrow, 'records.create')).toBe(true);
    expect(permissionsOf(narrow)).toEqual(['session.read', 'records.read:Note', 'records.create']);
  });

  it('may nothing that its roles may not, though a scope names it', () => {
    const viewer = key(['viewer'], ['records.read', 'records.delete', 'records.update:Note']);
    expect(permissionsOf(viewer)).toEqual(['session.read', 'records.read']);
  });

  it('without scopes may what a token with its roles may, but for API keys', () => {
    for (const role of ['viewer', 'editor', 'admin', 'auditor', 'service'] as const) {
      const byToken = OPERATION_NAMES.filter((operation) =>
        mayPerform({ subject: 's', tenantId: 't', roles: [role] }, operation),
      );
      const byKey = OPERATION_NAMES.filter((operation) => mayPerform(key([role], null), operation));
      expect(byKey).toEqual(byToken.filter((operation) => !operation.startsWith('apiKeys.')));
    }
  });
});
