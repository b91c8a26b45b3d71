import type { TenantKeys } from '../keys/tenant-keys.js';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import type { JsonObject } from '../platform/json-value.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { DefinedEntity } from './defined-entity.js';
import type { EntityRegistry } from './entity-registry.js';
import { EntityViews } from './entity-views.js';
import { RedactionKeys } from './redaction-keys.js';

const home = { tenantId: 't', schema: 's', role: 'r', ownerRole: 'o' };
const tenant = { id: 't', home } as Tenant;
const text = { type: 'string' };

function defined(name: string, properties: JsonObject, fields: Record<string, string> = {}): DefinedEntity {
  const document = JSON.stringify({ type: 'object', properties });
  return new DefinedEntity(home, { id: name, name, version: 1, text: document, transition: null, pack: null, fields });
}

/** Whoever has nothing encrypted asks for no keys. */
const noKeys = (): FieldCiphers => {
  throw new Error('keys were asked for');
};

function openKeys(): FieldCiphers {
  const cipher = { epoch: 1, slot: 0, seal: () => '', open: () => '', tag: () => '' } as const;
  return { epoch: 1, cipherOf: () => cipher, sealText: () => Buffer.alloc(0), openText: () => '' };
}

/** Views of these entities, and what the registry answers. */
function viewsOf(...all: DefinedEntity[]) {
  return viewsUnder(noKeys, ...all);
}

function viewsUnder(peek: () => FieldCiphers, ...all: DefinedEntity[]) {
  const entities = new Map(all.map((each) => [each.name, each]));
  const registry = { of: async () => entities } as unknown as EntityRegistry;
  return {
    entities,
    views: new EntityViews(registry, new RedactionKeys(Buffer.alloc(32, 1)), { peek } as unknown as TenantKeys),
  };
}

const seer = (roles: string[], redacts = false) => {
  return { roles, redacts, claims: null, principal: { subject: 's', tenantId: 't', roles, claims: null } };
};

describe('views of entities', () => {
  it('are what there is, the very objects, for callers from whom nothing is kept', async () => {
    const plain = viewsOf(defined('plain', { a: text }));
    expect(await plain.views.of(tenant, seer(['viewer']))).toBe(plain.entities);
    expect(await plain.views.of(tenant, seer(['auditor'], true))).toBe(plain.entities);
    const personal = viewsOf(defined('person', { a: { ...text, pii: true } }));
    expect(await personal.views.of(tenant, seer(['viewer']))).toBe(personal.entities);
  });

  it('are made once for the roles that matter, and only of what is seen otherwise', async () => {
    const [open, closed] = [defined('open', { a: text }), defined('closed', { a: { ...text, access: { read: ['hr'] } } })];
    const { views } = viewsOf(open, closed);
    const others = await views.of(tenant, seer(['viewer', 'editor']));
    expect(await views.of(tenant, seer(['auditor'], true))).toBe(others);
    expect([others.get('open') === open, others.get('closed')?.entity.properties[0]?.hidden]).toEqual([true, true]);
    expect((await views.of(tenant, seer(['viewer', 'hr']))).get('closed')).toBe(closed);
  });

  it('are others for those who read redacted', async () => {
    const { views } = viewsOf(defined('person', { a: { ...text, pii: true }, b: { ...text, access: { read: ['hr'] } } }));
    const propertiesFor = async (roles: string[], redacts: boolean) =>
      (await views.of(tenant, seer(roles, redacts))).get('person')?.entity.properties;
    expect(await propertiesFor(['auditor'], true)).toMatchObject([{ redacted: { as: 'full' } }, { hidden: true }]);
    expect((await propertiesFor(['viewer'], false))?.[0]?.redacted).toBeUndefined();
    expect(await propertiesFor(['auditor', 'hr'], true)).toMatchObject([{ redacted: { as: 'full' } }, { name: 'b' }]);
    expect((await propertiesFor(['auditor', 'hr'], true))?.[1]?.hidden).toBeUndefined();
  });

  it('are under the keys that are open, made once for as long as these are the same, and leave the rest alone', async () => {
    let open = openKeys();
    const sealed = defined('sealed', { a: { ...text, encrypted: true } }, { a: 'a@1' });
    const { views } = viewsUnder(() => open, defined('plain', { a: text }), sealed);
    const before = await views.of(tenant, seer(['viewer']));
    expect(before.get('sealed')?.entity.properties[0]?.encrypted).toMatchObject({ field: 'a@1', cipher: { epoch: 1 } });
    expect(await views.of(tenant, seer(['admin']))).toBe(before);
    open = openKeys();
    const after = await views.of(tenant, seer(['viewer']));
    expect([after.get('sealed') === before.get('sealed'), after.get('plain') === before.get('plain')]).toEqual([false, true]);
    expect(sealed.entity.properties[0]?.encrypted?.cipher).toBeUndefined();
  });
});

it('keys of redaction are one for each tenant', () => {
  const keys = new RedactionKeys(Buffer.alloc(32, 1));
  expect(keys.of('a').equals(keys.of('a'))).toBe(true);
  expect(keys.of('a').equals(keys.of('b'))).toBe(false);
  expect(keys.of('a').equals(new RedactionKeys(Buffer.alloc(32, 2)).of('a'))).toBe(false);
});
