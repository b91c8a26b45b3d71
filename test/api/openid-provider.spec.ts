/** Access tokens of an independent OpenID provider, found and judged by its discovery document alone. */

import { TokenVerifier } from '../../src/access/token-verifier.js';
import { type OpenIdProvider, startOpenIdProvider } from '../harness/openid-provider.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';
let provider: OpenIdProvider;
let verifier: TokenVerifier;

beforeAll(async () => {
  provider = await startOpenIdProvider();
  verifier = new TokenVerifier({ issuer: provider.issuer, audience: provider.audience, jwksUrl: provider.jwksUrl });
}, 30_000);
afterAll(() => provider.stop());

describe('a token of an OpenID provider', () => {
  it('is refused by a service with another audience', async () => {
    const other = new TokenVerifier({ issuer: provider.issuer, audience: 'billing', jwksUrl: provider.jwksUrl });
    await expect(other.verify(await provider.token({ tenantId: TENANT, roles: ['viewer'] }))).rejects.toMatchObject({
      status: 401,
    });
  });

  it('is refused by a service that trusts another issuer', async () => {
    const other = new TokenVerifier({ issuer: 'urn:bss:development', audience: provider.audience, jwksUrl: provider.jwksUrl });
    await expect(other.verify(await provider.token({ tenantId: TENANT, roles: ['viewer'] }))).rejects.toMatchObject({
      status: 401,
    });
  });

  it('is refused without a tenant', async () => {
    await expect(verifier.verify(await provider.token({ roles: ['viewer'] }))).rejects.toMatchObject({
      code: 'auth/invalid-token',
    });
  });

  it.each(['RS256', 'ES256', 'EdDSA'] as const)('is accepted with %s', async (algorithm) => {
    const token = await provider.token({ subject: 'Zoë', tenantId: TENANT, roles: ['editor', 'staff'], algorithm });
    await expect(verifier.verify(token)).resolves.toEqual({ subject: 'Zoë', tenantId: TENANT, roles: ['editor'] });
  });

  it('speaks for its client when nobody else is named', async () => {
    const token = await provider.token({ roles: ['system_admin'] });
    await expect(verifier.verify(token)).resolves.toEqual({ subject: 'tests', tenantId: null, roles: ['system_admin'] });
  });
});
