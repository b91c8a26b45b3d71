import fc from 'fast-check';
import { Access } from './access.js';
import { OPERATIONS, type Operation, ruleOf } from './operations.js';
import { type Principal, ROLES, type Role, TENANT_ROLES } from './principal.js';
import { isGrantable, isRoleOfATenant, type TenantRole, type TenantRoles } from './tenant-role.js';

/** What roles permit: built-in ones, those of a tenant, and both together under the scopes of a key. */

const NAMES = Object.keys(OPERATIONS) as Operation[];
const ENTITIES = ['Note', 'Order', 'constructor'];

const role = (name: string, more: Partial<TenantRole> = {}): TenantRole => ({
  ...{ name, description: '', inherits: [], permissions: [] },
  ...more,
});
const rolesOf = (...roles: TenantRole[]): TenantRoles => new Map(roles.map((each) => [each.name, each]));
const somebody = (roles: readonly string[], scopes?: readonly string[] | null): Principal => ({
  ...{ subject: 's', tenantId: 't', roles, claims: {} },
  ...(scopes !== undefined && { apiKey: { id: '1', name: 'a key', scopes, expiresAt: null } }),
});

describe('a role that the tenant has not made', () => {
  it('permits nothing, is not in force, and does not become one of the prototype', () => {
    for (const name of ['ghost', 'constructor', '__proto__', 'has', 'bss:service']) {
      const access = Access.of(somebody([name]), rolesOf(role('other', { inherits: ['admin'] })));
      expect([name, access.roles, access.permissions()]).toEqual([name, [], ['session.read']]);
    }
  });

  it('of another tenant is not remembered for the same principal', () => {
    const principal = somebody(['clerk']);
    expect(Access.of(principal, rolesOf(role('clerk', { inherits: ['admin'] }))).may('roles.manage')).toBe(true);
    expect(Access.of(principal, rolesOf()).may('roles.manage')).toBe(false);
    expect(Access.of(principal).may('roles.manage')).toBe(false);
  });
});

describe('a role of a tenant', () => {
  it('may hold what is of tenants, but nothing that decides who may do what, and nothing that keys may not', () => {
    const held = NAMES.filter(isGrantable);
    expect(held).toEqual(expect.arrayContaining(['records.read', 'history.purge', 'audit.read', 'roles.read']));
    for (const name of NAMES.filter((each) => !isGrantable(each))) {
      const { scope, notForKeys, definesRights } = ruleOf(name);
      expect([name, scope !== 'tenant' || notForKeys || definesRights]).toEqual([name, true]);
    }
    for (const name of [
      'apiKeys.manage',
      'roles.manage',
      'entities.define',
      'webhooks.manage',
      'tenants.create',
      'session.read',
    ]) {
      expect([name, isGrantable(name)]).toEqual([name, false]);
    }
    for (const name of ['constructor', '__proto__', 'toString', '', 'records', 'records.*'])
      expect(isGrantable(name)).toBe(false);
  });

  it('is not called like a built-in one', () => {
    expect([...ROLES, 'anon'].filter(isRoleOfATenant)).toEqual([]);
  });

  it('makes no auditor of whoever reads by it as well', () => {
    const redacts = (permissions: string[]) =>
      Access.of(somebody(['auditor', 'clerk']), rolesOf(role('clerk', { permissions }))).redacts;
    expect([redacts([]), redacts(['audit.read']), redacts(['records.create']), redacts(['records.read'])]).toEqual([
      ...[true, true, true, false],
    ]);
    expect(Access.of(somebody(['clerk']), rolesOf(role('clerk', { inherits: ['auditor'] }))).redacts).toBe(true);
    expect(Access.of(somebody(['auditor', 'viewer'])).redacts).toBe(false);
    expect(Access.of(somebody(['viewer'])).redacts).toBe(false);
  });
});

describe('what is permitted', () => {
  const permission = fc
    .tuple(fc.constantFrom(...NAMES), fc.option(fc.constantFrom(...ENTITIES), { nil: null }))
    .map(([name, entity]) => (entity === null ? name : `${name}:${entity}`));
  const ownRole = fc.record({
    inherits: fc.uniqueArray(fc.constantFrom(...TENANT_ROLES), { maxLength: 2 }),
    permissions: fc.uniqueArray(permission, { maxLength: 5 }),
  });
  const scene = fc.record({
    builtIn: fc.uniqueArray(fc.constantFrom<Role>(...ROLES), { maxLength: 2 }),
    own: fc.array(ownRole, { maxLength: 3 }),
    claimed: fc.array(fc.nat(3), { maxLength: 4 }),
    scopes: fc.option(fc.option(fc.uniqueArray(permission, { maxLength: 5 }), { nil: null }), { nil: undefined }),
  });

  it('is the sum of the roles in force, less what a key and its scopes leave out, for every operation and entity', () => {
    fc.assert(
      fc.property(scene, ({ builtIn, own, claimed, scopes }) => {
        const roles = own.map((each, index) => role(`own-${index}`, each as Partial<TenantRole>));
        const names = [...builtIn, ...claimed.map((index) => `own-${index}`)];
        const access = Access.of(somebody(names, scopes), rolesOf(...roles));
        const inForce = roles.filter(({ name }) => names.includes(name));
        const wrong: string[] = [];
        const holds = (list: readonly string[], operation: string, entity?: string) =>
          list.includes(operation) || (entity !== undefined && list.includes(`${operation}:${entity}`));
        for (const operation of NAMES) {
          const rule = ruleOf(operation);
          const all: readonly string[] = [...builtIn, ...inForce.flatMap(({ inherits }) => inherits)];
          for (const entity of [undefined, ...ENTITIES]) {
            const isGranted =
              rule.scope === 'session' ||
              rule.roles.some((each) => all.includes(each)) ||
              inForce.some(({ permissions }) => holds(permissions, operation, entity));
            const isLeft =
              scopes === undefined ||
              (!rule.notForKeys && (scopes === null || rule.scope === 'session' || holds(scopes, operation, entity)));
            if (access.may(operation, entity) !== (isGranted && isLeft)) wrong.push(`${operation}:${entity}`);
          }
        }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });

  it('is what is told of it: whatever is listed may be done, and nothing else', () => {
    fc.assert(
      fc.property(scene, ({ builtIn, own, claimed, scopes }) => {
        const roles = own.map((each, index) => role(`own-${index}`, each as Partial<TenantRole>));
        const access = Access.of(somebody([...builtIn, ...claimed.map((n) => `own-${n}`)], scopes), rolesOf(...roles));
        const told = access.permissions();
        const wrong: string[] = [];
        expect(new Set(told).size).toBe(told.length);
        for (const operation of NAMES) {
          if (access.may(operation) !== told.includes(operation)) wrong.push(operation);
          for (const entity of ENTITIES) {
            const isTold = told.includes(operation) || told.includes(`${operation}:${entity}`);
            if (access.may(operation, entity) !== isTold) wrong.push(`${operation}:${entity}`);
          }
        }
        expect(wrong).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('an auditor', () => {
  it('may perform nothing that does not run READ ONLY in the database', () => {
    const auditor = Access.of(somebody(['auditor']));
    expect(NAMES.filter((name) => auditor.may(name) && !ruleOf(name).readOnly)).toEqual([]);
    expect(auditor.redacts).toBe(true);
  });
});
