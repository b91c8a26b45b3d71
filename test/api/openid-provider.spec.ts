/** Access tokens of an independent OpenID provider, found and judged by its discovery document alone. */

import { authServiceOf } from '../../src/access/auth-service.js';
import { type OpenIdProvider, startOpenIdProvider } from '../harness/openid-provider.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';
let provider: OpenIdProvider;

/** As a service makes it that is told who the issuer is, and who it is itself. */
const fresh = (options: Partial<Parameters<typeof authServiceOf>[0]> = {}) =>
  authServiceOf({ issuer: provider.issuer, audience: provider.audience, client: provider.client, ...options }, () => {});
let auth: ReturnType<typeof authServiceOf>;

beforeAll(async () => {
  provider = await startOpenIdProvider();
  auth = fresh();
}, 30_000);
afterAll(() => provider.stop());

const viewer = { tenantId: TENANT, roles: ['viewer'] } as const;

describe('a token of an OpenID provider', () => {
  it('is refused by a service with another audience', async () => {
    const { tokens } = fresh({ audience: 'billing' });
    await expect(tokens.verify(await provider.token(viewer))).rejects.toMatchObject({ status: 401 });
  });

  it('is refused by a service that trusts another issuer, whose keys are the same', async () => {
    const { tokens } = fresh({ issuer: 'urn:bss:development', jwksUrl: provider.jwksUrl });
    await expect(tokens.verify(await provider.token(viewer))).rejects.toMatchObject({ status: 401 });
  });

  it('cannot be checked by a service that calls the issuer by another name: there are no keys', async () => {
    const { tokens } = fresh({ issuer: `${provider.issuer}/` });
    await expect(tokens.verify(await provider.token(viewer))).rejects.toMatchObject({ code: 'auth/issuer-unavailable' });
    expect(await tokens.whyNotReady()).toBe(
      'no keys of the Auth Service: the metadata of the Auth Service is that of another issuer',
    );
  });

  it('is refused without a tenant', async () => {
    await expect(auth.tokens.verify(await provider.token({ roles: ['viewer'] }))).rejects.toMatchObject({
      code: 'auth/invalid-token',
    });
  });

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('is accepted with %s', async (algorithm) => {
    const token = await provider.token({ subject: 'Zoë', tenantId: TENANT, roles: ['editor', 'staff'], algorithm });
    await expect(auth.tokens.verify(token)).resolves.toMatchObject({
      ...{ subject: 'Zoë', tenantId: TENANT },
      roles: ['editor', 'staff'],
    });
  });

  it('speaks for its client when nobody else is named', async () => {
    const token = await provider.token({ roles: ['system_admin'] });
    await expect(auth.tokens.verify(token)).resolves.toMatchObject({ subject: 'tests', tenantId: null, roles: ['system_admin'] });
  });

  it('is accepted when the provider has other keys, and refused when it was signed with the former', async () => {
    const { tokens } = fresh();
    const before = await provider.token(viewer);
    await tokens.verify(before);
    await provider.rotate();
    await expect(tokens.verify(await provider.token({ ...viewer, subject: 'Zoë' }))).resolves.toMatchObject({ subject: 'Zoë' });
    await expect(tokens.verify(before)).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });
});

describe('an opaque token of an OpenID provider', () => {
  const opaque = (more: object = {}) => provider.token({ subject: 'Zoë', ...viewer, format: 'opaque', ...more });

  it.each<[string, () => Promise<string>]>([
    ['that it never made', async () => 'x'.repeat(43)],
    ['without a subject', () => opaque({ subject: undefined })],
    ['without a tenant', () => opaque({ tenantId: undefined })],
    ['of a system admin with a tenant', () => opaque({ roles: ['system_admin'] })],
    ['of a JWT, cut in two', async () => (await provider.token(viewer)).split('.').slice(0, 2).join('.')],
  ])('is refused: one %s', async (_name, token) => {
    await expect(auth.opaqueTokens.verify(await token())).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });

  it('is refused by a service with another audience', async () => {
    await expect(fresh({ audience: 'billing' }).opaqueTokens.verify(await opaque())).rejects.toMatchObject({ status: 401 });
  });

  it('is refused once it is revoked', async () => {
    const token = await opaque();
    await fresh().opaqueTokens.verify(token);
    await provider.revoke(token);
    await expect(fresh().opaqueTokens.verify(token)).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });

  it('is nobody’s business to a client whose secret is wrong: 503, not 401', async () => {
    const { opaqueTokens } = fresh({ client: { id: 'business-store', secret: 'guessed' } });
    await expect(opaqueTokens.verify(await opaque())).rejects.toMatchObject({ code: 'auth/issuer-unavailable' });
  });

  it('is not asked about by a service that is no client', () => {
    expect([fresh({ client: undefined }), fresh()].map(({ opaqueTokens }) => opaqueTokens.takes('opaque'))).toEqual([
      false,
      true,
    ]);
  });

  it('is accepted, with its roles and claims', async () => {
    const token = await opaque({ roles: ['staff', 'editor'] });
    expect(token).not.toContain('.');
    await expect(auth.opaqueTokens.verify(token)).resolves.toEqual({
      ...{ subject: 'Zoë', tenantId: TENANT, claims: {} },
      roles: ['editor', 'staff'],
    });
  });
});
