/** The way from a request's header through passport to a principal. */

import { Test } from '@nestjs/testing';
import { createTokenForge, FORGE_TENANT } from '../../test/harness/token-forge.js';
import { Problem } from '../platform/problem.js';
import { ApiKeyVerifier } from './api-key-verifier.js';
import { Authenticator } from './authenticator.js';
import { CLAIM_NAMES } from './claimed-principal.js';
import { JwtStrategy } from './jwt.strategy.js';
import { OpaqueTokens } from './opaque-tokens.js';
import { TokenVerifier } from './token-verifier.js';

const forge = createTokenForge();

/** Its Auth Service says of every opaque token that it is nobody's. */
async function newAuthenticator(
  keys: () => Response = () => Response.json(forge.jwks()),
  introspected: string[] | null = [],
): Promise<Authenticator> {
  const asked = introspected && {
    introspect: async (token: string) => {
      introspected.push(token);
      return { active: false };
    },
  };
  const rules = { issuer: forge.issuer, audience: forge.audience, clockToleranceSeconds: 30 };
  const verifier = new TokenVerifier({
    issuer: forge.issuer,
    audience: forge.audience,
    jwksUrl: 'http://issuer.test/jwks',
    fetch: async () => keys(),
  });
  const module = await Test.createTestingModule({
    providers: [
      { provide: TokenVerifier, useValue: verifier },
      { provide: ApiKeyVerifier, useValue: { verify: async (text: string) => ({ subject: `key ${text}` }) } },
      { provide: OpaqueTokens, useValue: new OpaqueTokens(asked, rules, CLAIM_NAMES) },
      JwtStrategy,
      Authenticator,
    ],
  }).compile();
  return module.get(Authenticator);
}

const withHeader = (authorization?: string) => ({ headers: { authorization } });

describe('a request', () => {
  it.each([
    ['no header', undefined],
    ['an empty header', ''],
    ['another scheme', 'Basic dXNlcjpwYXNz'],
    ['the scheme alone', 'Bearer'],
    ['the scheme and blanks', 'Bearer   '],
    ['the token alone', forge.token()],
    ['a scheme that only begins alike', `Bearerx ${forge.token()}`],
  ])('is asked for credentials when it has %s', async (_name, authorization) => {
    const authenticator = await newAuthenticator();
    await expect(authenticator.authenticate(withHeader(authorization))).rejects.toMatchObject({
      code: 'auth/missing-credentials',
      status: 401,
      headers: { 'WWW-Authenticate': 'Bearer' },
    });
  });

  it.each([
    ['junk after the token', () => `Bearer ${forge.token()} junk`],
    ['a token in quotes', () => `Bearer "${forge.token()}"`],
    ['two tokens', () => `Bearer ${forge.token()}, Bearer ${forge.token()}`],
    ['a token of another issuer', () => `Bearer ${forge.token({ iss: 'https://evil.test' })}`],
  ])('is refused with %s', async (_name, authorization) => {
    const authenticator = await newAuthenticator();
    await expect(authenticator.authenticate(withHeader(authorization()))).rejects.toMatchObject({
      code: 'auth/invalid-token',
      headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
      cause: expect.any(Error),
    });
  });

  it.each([
    ['a token', () => `Bearer ${forge.token()}`],
    ['another key', () => 'Bearer bss_test_other'],
    ['another scheme', () => 'Basic dXNlcjpwYXNz'],
  ])('is refused with an API key and, in Authorization, %s', async (_name, authorization) => {
    const authenticator = await newAuthenticator();
    const both = { headers: { authorization: authorization(), 'x-api-key': 'bss_test_key' } };
    await expect(authenticator.authenticate(both)).rejects.toMatchObject({ code: 'request/invalid-header', status: 400 });
  });

  it.each([
    ['bss_test_key', { authorization: 'Bearer bss_test_key' }],
    ['bss_test_key', { authorization: 'bearer   bss_test_key' }],
    ['bss_test_key junk', { authorization: 'Bearer bss_test_key junk' }],
    ['bss_test_key', { 'x-api-key': 'bss_test_key' }],
    ['a.b.c', { 'x-api-key': 'a.b.c' }],
    ['', { 'x-api-key': '' }],
    ['bss_1, bss_2', { 'x-api-key': ['bss_1', 'bss_2'] }],
  ])('has %s looked at as an API key', async (text, headers) => {
    const authenticator = await newAuthenticator();
    await expect(authenticator.authenticate({ headers })).resolves.toEqual({ subject: `key ${text}` });
  });

  it.each([
    ['a token of three parts, whatever they are', forge.token({ iss: 'https://evil.test' })],
    ['three parts that are no token', 'a.b.c'],
    ['three empty parts', '..'],
    ['an API key', 'bss_test_key'],
    ['nothing', ''],
    ['9 KB', 'x'.repeat(9_000)],
    ['8 KB and a character', 'x'.repeat(8_193)],
    ['two words', 'opaque junk'],
    ['quotes', '"opaque"'],
    ['another alphabet', 'op\u00e4que'],
    ['padding in the middle', 'opa=que'],
    ['a line break', 'opaque\n'],
    ['NUL', 'opa\u0000que'],
  ])('makes nobody ask the Auth Service about %s', async (_name, token) => {
    const asked: string[] = [];
    const authenticator = await newAuthenticator(undefined, asked);
    await authenticator.authenticate(withHeader(`Bearer ${token}`)).catch(() => {});
    expect(asked).toEqual([]);
  });

  it('has the Auth Service asked about a token of any other form', async () => {
    const asked: string[] = [];
    const authenticator = await newAuthenticator(undefined, asked);
    const tokens = ['0', 'x'.repeat(8_192), 'a-b_c~d+e/f==', 'v1.opaque', 'a.b.c.d', 'a..b.c.d'];
    for (const token of tokens) {
      await expect(authenticator.authenticate(withHeader(`bearer  ${token}`))).rejects.toMatchObject({
        code: 'auth/invalid-token',
      });
    }
    expect(asked).toEqual(tokens);
  });

  it('with such a token is refused where the Auth Service is not asked', async () => {
    const authenticator = await newAuthenticator(undefined, null);
    await expect(authenticator.authenticate(withHeader('Bearer opaque'))).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });

  it('is answered 503 while the Auth Service is away, not 401', async () => {
    const authenticator = await newAuthenticator(() => new Response(null, { status: 502 }));
    const outcome = await authenticator.authenticate(withHeader(`Bearer ${forge.token()}`)).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(Problem);
    expect(outcome).toMatchObject({ code: 'auth/issuer-unavailable', headers: { 'Retry-After': '2' } });
  });

  it('with a long header without a blank does not hold the process up', async () => {
    const authenticator = await newAuthenticator();
    const started = performance.now();
    await expect(authenticator.authenticate(withHeader('x'.repeat(1 << 20)))).rejects.toBeInstanceOf(Problem);
    expect(performance.now() - started).toBeLessThan(1000);
  });

  it.each(['Bearer ', 'bearer ', 'BEARER   '])('has a principal when a good token follows "%s"', async (scheme) => {
    const authenticator = await newAuthenticator();
    await expect(authenticator.authenticate(withHeader(scheme + forge.token()))).resolves.toEqual({
      subject: 'somebody',
      tenantId: FORGE_TENANT,
      roles: ['viewer'],
      claims: {},
    });
  });

  it('is judged by the verifier of its own application when there are two in the process', async () => {
    const ours = await newAuthenticator();
    const theirs = await newAuthenticator(() => Response.json({ keys: [] }));
    const request = withHeader(`Bearer ${forge.token()}`);
    await expect(theirs.authenticate(request)).rejects.toMatchObject({ code: 'auth/invalid-token' });
    await expect(ours.authenticate(request)).resolves.toMatchObject({ subject: 'somebody' });
  });

  it('does not meet the outcome of another, however they interleave', async () => {
    const authenticator = await newAuthenticator();
    const subjects = Array.from({ length: 200 }, (_, i) => `subject-${i}`);
    const principals = await Promise.all(
      subjects.map((sub) => authenticator.authenticate(withHeader(`Bearer ${forge.token({ sub })}`))),
    );
    expect(principals.map((principal) => principal.subject)).toEqual(subjects);
  });
});
