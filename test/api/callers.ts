/** Everybody who may ask: each with what the published table permits, put together here rather than by the service. */

import { OPERATIONS, type Operation, ruleOf } from '../../src/access/operations.js';
import type { TestService, TestTenant } from '../harness/service.js';

export interface Caller {
  readonly name: string;
  /** Of the trail. */
  readonly subject: string | null;
  readonly headers: Readonly<Record<string, string>>;
  /** Where it belongs; null: to no tenant. */
  readonly home: TestTenant | null;
  /** Operations, `operation:Entity` where one entity is meant. */
  readonly permissions: readonly string[];
  readonly isSuspended?: true;
  /** Of a system administrator: the only tenant to enter, and what may be done there. */
  readonly grant?: { readonly tenant: TestTenant; readonly permissions: readonly string[] };
}

const NAMES = Object.keys(OPERATIONS) as Operation[];

/** By the table. */
const ofRole = (role: string): string[] => NAMES.filter((name) => (ruleOf(name).roles as readonly string[]).includes(role));

/** What there is to hold for single entities. */
const OF_ENTITIES = NAMES.filter((name) => ruleOf(name).ofEntity);

/** No key may these, whatever its roles. */
const keyMay = (name: string): boolean => !ruleOf(name.split(':')[0] as Operation).notForKeys;

/** Roles of the tenant's own, with what they come to. */
const OWN_ROLES: Readonly<Record<string, { inherits?: string[]; permissions?: string[] }>> = {
  idle: {},
  clerk: { inherits: ['viewer'], permissions: ['records.create:note', 'records.delete', 'audit.read'] },
  stranger: { permissions: OF_ENTITIES.map((name) => `${name}:other`) },
  deputy: { inherits: ['admin'] },
};

const KEYS: readonly { name: string; role: string; scopes: string[] | null }[] = [
  { name: 'a key of an admin', role: 'admin', scopes: null },
  {
    name: 'a key with scopes',
    role: 'admin',
    scopes: ['records.read:note', 'records.create', 'records.update:other', 'roles.read'],
  },
];

const READING = ['entities.read', 'records.read', 'records.export', 'history.read', 'deleted.read', 'openapi.read'];
const WRITING = ['records.create', 'records.update', 'records.delete', 'records.import', 'deleted.restore'];

/** Access grants of the tenant: what is asked for, and what they permit. */
const GRANTS: Readonly<Record<string, { body: object; permissions: readonly string[] }>> = {
  reading: { body: {}, permissions: READING },
  writing: { body: { access: 'write' }, permissions: [...READING, ...WRITING] },
  'reading-note': {
    body: { entities: ['note'] },
    permissions: OF_ENTITIES.filter((name) => READING.includes(name)).map((name) => `${name}:note`),
  },
  'writing-other': { body: { access: 'write', entities: ['other'] }, permissions: [] },
};

/** @param own has the entities `note` and `other` */
export async function everyCaller(test: TestService, own: TestTenant): Promise<Caller[]> {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const byToken = async (role: string, home: TestTenant | null, permissions: string[]): Promise<Caller> => ({
    ...{ name: role, subject: `${role}@test`, home, permissions },
    headers: bearer(await test.token([role], home?.id)),
  });
  const admin = await own.as();
  const callers: Caller[] = [
    { name: 'anonymous', subject: null, headers: {}, home: null, permissions: [] },
    await byToken('system_admin', null, ofRole('system_admin')),
    await byToken('staff', own, []),
  ];
  for (const role of ['viewer', 'editor', 'admin', 'auditor', 'service']) callers.push(await byToken(role, own, ofRole(role)));
  for (const [role, body] of Object.entries(OWN_ROLES)) {
    await admin('put', `/roles/${role}`).send(body).expect(201);
    const { inherits = [], permissions = [] } = body;
    callers.push(await byToken(role, own, [...inherits.flatMap(ofRole), ...permissions]));
  }
  for (const { name, role, scopes } of KEYS) {
    const { body } = await admin('post', '/api-keys')
      .send({ name, roles: [role], scopes })
      .expect(201);
    const permissions = (scopes ?? ofRole(role)).filter(keyMay);
    callers.push({ name, subject: `api-key:${body.id}`, headers: { 'x-api-key': body.key }, home: own, permissions });
  }
  for (const [name, { body, permissions }] of Object.entries(GRANTS)) {
    const subject = `${name}@test`;
    const headers = bearer(await test.issuer.sign({ subject, roles: ['system_admin'] }));
    const created = await fetch(`${test.service.url}/api/v1/grants`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/json' },
      body: JSON.stringify({ tenants: [own.id], reason: 'to see what it permits', ...body }),
    });
    const grant = { 'x-access-grant': ((await created.json()) as { id: string }).id };
    const caller = { name: `system_admin with a grant for ${name}`, subject, home: null, permissions: ofRole('system_admin') };
    callers.push({ ...caller, headers: { ...headers, ...grant }, grant: { tenant: own, permissions } });
  }
  const suspended = await test.tenant();
  await suspended.define('note', { type: 'object', properties: {} });
  callers.push({
    ...(await byToken('admin', suspended, ofRole('admin'))),
    name: 'admin of a suspended tenant',
    isSuspended: true,
  });
  const system = await test.token(['system_admin']);
  await test.request(system, 'patch', `/api/v1/tenants/${suspended.id}`).send({ status: 'suspended' }).expect(200);
  return callers;
}

/** A route that is asked for. */
export interface Asked {
  readonly operation: Operation;
  /** As declared. */
  readonly path: string;
  /** The tenant that the path names, or would. */
  readonly place: TestTenant;
}

/** What the table has a caller answered: `ok`, or status and problem. */
export function expected(caller: Caller, { operation, path, place }: Asked): string {
  const { scope } = ruleOf(operation);
  const entity = path.includes(':entity') ? 'note' : null;
  if (scope === 'public') return 'ok';
  if (caller.name === 'anonymous') return '401 auth/missing-credentials';
  if (scope === 'session') return 'ok';
  if (scope === 'tenant' && caller.home && place !== caller.home) return '403 auth/tenant-mismatch';
  if (scope === 'tenant' && caller.grant && path.includes(':tenantId') && place !== caller.grant.tenant) {
    return '403 auth/grant-refused';
  }
  const permissions =
    scope === 'tenant' && path.includes(':tenantId') ? (caller.grant?.permissions ?? caller.permissions) : caller.permissions;
  const isHeld = permissions.includes(operation) || permissions.includes(`${operation}:${entity}`);
  if (!isHeld) return '403 auth/forbidden';
  return scope === 'tenant' && caller.isSuspended ? '403 tenant/suspended' : 'ok';
}
