import { Access } from './access.js';
import { OPERATIONS, type Operation, ruleOf } from './operations.js';
import type { Principal, Role } from './principal.js';

/** What an API key may do: what its roles may, and of that what its scopes leave. */

const key = (roles: readonly Role[], scopes: readonly string[] | null): Principal => ({
  ...{ subject: 'api-key:1', tenantId: 't', roles, claims: {} },
  apiKey: { id: '1', name: 'a key', scopes, expiresAt: null },
});
const OPERATION_NAMES = Object.keys(OPERATIONS) as Operation[];

describe('an API key', () => {
  it('never sees, makes or ends API keys, whatever its roles and scopes', () => {
    for (const scopes of [null, ['apiKeys.read', 'apiKeys.manage']]) {
      for (const operation of ['apiKeys.read', 'apiKeys.manage'] as const) {
        expect(Access.of(key(['admin'], scopes)).may(operation)).toBe(false);
      }
    }
  });

  it('may nothing that its scopes do not name, for which entity ever', () => {
    const narrow = key(['admin'], ['records.read:Note', 'records.create']);
    expect(Access.of(narrow).may('records.read')).toBe(false);
    expect(Access.of(narrow).may('records.read', 'Other')).toBe(false);
    expect(Access.of(narrow).may('records.read', 'note')).toBe(false);
    expect(Access.of(narrow).may('records.update', 'Note')).toBe(false);
    expect(Access.of(narrow).may('records.read', 'Note')).toBe(true);
    expect(Access.of(narrow).may('records.create', 'Other')).toBe(true);
    expect(Access.of(narrow).may('records.create')).toBe(true);
    expect(Access.of(narrow).permissions()).toEqual(['session.read', 'records.read:Note', 'records.create']);
  });

  it('may nothing that its roles may not, though a scope names it', () => {
    const viewer = key(['viewer'], ['records.read', 'records.delete', 'records.update:Note']);
    expect(Access.of(viewer).permissions()).toEqual(['session.read', 'records.read']);
  });

  it('without scopes may what a token with its roles may, but for API keys', () => {
    for (const role of ['viewer', 'editor', 'admin', 'auditor', 'service'] as const) {
      const byToken = OPERATION_NAMES.filter((operation) =>
        Access.of({ subject: 's', tenantId: 't', roles: [role], claims: {} }).may(operation),
      );
      const byKey = OPERATION_NAMES.filter((operation) => Access.of(key([role], null)).may(operation));
      expect(byKey).toEqual(byToken.filter((operation) => !ruleOf(operation).notForKeys));
    }
  });
});
