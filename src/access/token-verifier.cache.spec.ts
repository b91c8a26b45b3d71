/** What the verifier remembers of tokens it has checked, and for how long. */

import { createTokenForge, publicJwk } from '../../test/harness/token-forge.js';
import { Problem } from '../platform/problem.js';
import { TokenVerifier } from './token-verifier.js';

const forge = createTokenForge();
const MINUTE = 60_000;
let published = forge.jwks();
let fetches = 0;

const answer: typeof fetch = async () => {
  fetches++;
  return Response.json(published);
};

const newVerifier = () =>
  new TokenVerifier({ issuer: forge.issuer, audience: forge.audience, jwksUrl: 'http://issuer.test/jwks', fetch: answer });

/** Moves both clocks: the verifier's (wall) and that of the key set (monotonic). */
function later(milliseconds: number): void {
  const wall = Date.now() + milliseconds;
  const monotonic = performance.now() + milliseconds;
  jest.spyOn(Date, 'now').mockReturnValue(wall);
  jest.spyOn(performance, 'now').mockReturnValue(monotonic);
}

beforeEach(() => {
  published = forge.jwks();
  fetches = 0;
});
afterEach(() => jest.restoreAllMocks());

describe('a token seen before', () => {
  it('is refused from its expiry on, remembered or not', async () => {
    const verifier = newVerifier();
    const token = forge.token({ exp: Math.floor(Date.now() / 1000) + 10 });
    await verifier.verify(token);
    later(45_000);
    await expect(verifier.verify(token)).rejects.toMatchObject({ detail: 'The token has expired: get a new one.' });
  });

  it('is refused once its key has been gone for 2 minutes, whatever was remembered', async () => {
    const verifier = newVerifier();
    const token = forge.token({ exp: Math.floor(Date.now() / 1000) + 3600 });
    await verifier.verify(token);
    published = { keys: [] };
    later(2 * MINUTE);
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'auth/invalid-token' });
    // In turn, and once more for a kid that is not there.
    expect(fetches).toBe(3);
  });

  it('is refused as soon as it is known here that its key is gone', async () => {
    const verifier = newVerifier();
    const token = forge.token();
    await verifier.verify(token);
    published = { keys: [publicJwk(forge.keys.ES256, 'ES256', 'new')] };
    await verifier.verify(forge.token({}, { alg: 'ES256', kid: 'new' }));
    await expect(verifier.verify(token)).rejects.toMatchObject({ code: 'auth/invalid-token' });
    expect(fetches).toBe(2);
  });

  it('has the keys fetched every minute, though it needs none', async () => {
    const verifier = newVerifier();
    const token = forge.token({ exp: Math.floor(Date.now() / 1000) + 3600 });
    await verifier.verify(token);
    later(MINUTE - 1);
    await verifier.verify(token);
    later(2);
    await verifier.verify(token);
    expect(fetches).toBe(2);
  });

  it('is checked anew after 60 seconds', async () => {
    const verifier = newVerifier();
    const token = forge.token();
    const first = await verifier.verify(token);
    expect(await verifier.verify(token)).toBe(first);
    later(MINUTE + 1);
    expect(await verifier.verify(token)).not.toBe(first);
  });

  it('does not vouch for one with the same claims and another signature', async () => {
    const verifier = newVerifier();
    const token = forge.token({}, { alg: 'ES256', kid: 'ES256' });
    await verifier.verify(token);
    const [header, payload] = token.split('.');
    const [, , other] = forge.token({ sub: 'else' }, { alg: 'ES256', kid: 'ES256' }).split('.');
    await expect(verifier.verify(`${header}.${payload}.${other}`)).rejects.toBeInstanceOf(Problem);
  });

  it('is forgotten when 10,000 others came after it', async () => {
    const verifier = newVerifier();
    const token = forge.token();
    const first = await verifier.verify(token);
    const others = Array.from({ length: 10_000 }, (_, jti) => forge.token({ jti }));
    for (const other of others.slice(0, -1)) await verifier.verify(other);
    expect(await verifier.verify(token)).toBe(first);
    await verifier.verify(others.at(-1)!);
    expect(await verifier.verify(token)).not.toBe(first);
  }, 30_000);

  it('cannot be altered by whoever holds its principal', async () => {
    const principal = await newVerifier().verify(forge.token());
    expect(() => Object.assign(principal, { tenantId: null })).toThrow(TypeError);
    expect(() => (principal.roles as string[]).push('admin')).toThrow(TypeError);
  });
});

describe('without kid', () => {
  it('refuses a token that several keys could have signed', async () => {
    published = { keys: [publicJwk(forge.keys.EdDSA, 'EdDSA', 'a'), publicJwk(forge.keys.EdDSA, 'EdDSA', 'b')] };
    await expect(newVerifier().verify(forge.token({}, { kid: undefined }))).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });
});

describe('a key set with keys no issuer should publish', () => {
  it.each([
    ['a secret', { kty: 'oct', k: 'c2VjcmV0', kid: 'EdDSA' }],
    ['a key for encryption', { ...publicJwk(forge.keys.EdDSA, 'EdDSA'), use: 'enc' }],
    ['a key for another algorithm', { ...publicJwk(forge.keys.EdDSA, 'EdDSA'), alg: 'ES256' }],
    ['a private key', { ...forge.keys.EdDSA.export({ format: 'jwk' }), kid: 'EdDSA' }],
    ['a damaged key', { kty: 'OKP', crv: 'Ed25519', x: 'AAAA', kid: 'EdDSA' }],
  ])('does not verify with %s', async (_name, jwk) => {
    published = { keys: [jwk as (typeof published.keys)[number]] };
    await expect(newVerifier().verify(forge.token())).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });
});
