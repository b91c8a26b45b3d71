/** What an access token must be, and every way it must not: no database, one key server on loopback. */

import { createHmac, createPublicKey, generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { CompactEncrypt } from 'jose';
import { createTokenForge, encode, FORGE_TENANT, publicJwk } from '../../test/harness/token-forge.js';
import { Problem } from '../platform/problem.js';
import { startDevelopmentAuthServer } from './development-auth-server.js';
import { TokenVerifier } from './token-verifier.js';

const forge = createTokenForge();
const { header, claims, keys } = forge;
const stranger = generateKeyPairSync('ed25519').privateKey;
const EVIL = 'http://127.0.0.1:9/keys';
const now = () => Math.floor(Date.now() / 1000);

let server: Awaited<ReturnType<typeof startDevelopmentAuthServer>>;
let verifier: TokenVerifier;
const fetched: string[] = [];

const recordingFetch: typeof fetch = (input, init) => {
  fetched.push(String(input));
  return fetch(input, init);
};

function newVerifier(options: Partial<ConstructorParameters<typeof TokenVerifier>[0]> = {}): TokenVerifier {
  return new TokenVerifier({
    issuer: forge.issuer,
    audience: forge.audience,
    jwksUrl: server.jwksUrl,
    fetch: recordingFetch,
    ...options,
  });
}

async function refusal(token: string): Promise<Problem> {
  const outcome = await verifier.verify(token).catch((error: unknown) => error);
  if (!(outcome instanceof Problem)) throw new Error(`expected a Problem, got ${JSON.stringify(outcome) ?? String(outcome)}`);
  return outcome;
}

beforeAll(async () => {
  server = await startDevelopmentAuthServer(forge);
  verifier = newVerifier();
  await verifier.verify(forge.token());
  // An unknown kid has the keys fetched, from our address, once in 30 s.
  await verifier.verify(forge.token({}, { kid: 'unheard-of' })).catch(() => {});
  expect(fetched).toHaveLength(2);
  fetched.length = 0;
});
afterAll(() => server.stop());
afterEach(() => jest.restoreAllMocks());

/** A claim or header that the payload's or header's JSON text says twice. */
const twice = (object: object, text: string) => `${JSON.stringify(object).slice(0, -1)},${text}}`;
const rsaPublicPem = createPublicKey(keys.RS256).export({ type: 'spki', format: 'pem' });
const hmac = (input: string) => `${input}.${createHmac('sha256', rsaPublicPem).update(input).digest('base64url')}`;
const derSigned = (input: string) => `${input}.${sign('sha256', Buffer.from(input), keys.ES256).toString('base64url')}`;
/** The same signature bytes spelled with another last character: bits beyond the last byte. */
const respelled = (token: string) => {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1)!) + 1];
};

const SHAPE = 'not three base64url segments';
const CANONICAL = 'a segment is not canonical base64url';
const ALGORITHM = 'the algorithm is not RS256, ES256 or EdDSA';
const NO_KEY = 'no applicable key found in the JSON Web Key Set';
const SIGNATURE = 'signature verification failed';
const KID = 'kid is not 1 to 64 of the characters A-Za-z0-9._-';
const LENGTH = 'the token is longer than 8 KB';

const FORGERIES: readonly (readonly [name: string, token: () => string | Promise<string>, reason: string])[] = [
  ...['none', 'None', 'nOnE'].flatMap((alg) => [
    [`alg ${alg} without signature`, () => `${encode(header({ alg }))}.${encode(claims())}.`, SHAPE] as const,
    [`alg ${alg} with a signature`, () => forge.forge(header({ alg }), claims()), ALGORITHM] as const,
  ]),
  [
    'HS256 signed with the RSA public key',
    () => hmac(`${encode(header({ alg: 'HS256', kid: 'RS256' }))}.${encode(claims())}`),
    ALGORITHM,
  ],
  ['PS256', () => forge.forge(header({ alg: 'PS256', kid: 'RS256' }), claims(), keys.RS256), ALGORITHM],
  ['RS512', () => forge.forge(header({ alg: 'RS512', kid: 'RS256' }), claims(), keys.RS256), ALGORITHM],
  ['an algorithm that is a list', () => forge.forge(header({ alg: ['EdDSA'] }), claims()), ALGORITHM],
  ['no algorithm', () => forge.forge(header({ alg: undefined }), claims()), ALGORITHM],
  ['RS256 under the kid of the EC key', () => forge.forge(header({ alg: 'RS256', kid: 'ES256' }), claims(), keys.RS256), NO_KEY],
  ['ES256 under the kid of the RSA key', () => forge.forge(header({ alg: 'ES256', kid: 'RS256' }), claims(), keys.ES256), NO_KEY],
  ['an RSA signature under ES256', () => forge.forge(header({ alg: 'ES256', kid: 'ES256' }), claims(), keys.RS256), SIGNATURE],
  [
    'an ES256 signature in DER',
    () => derSigned(`${encode(header({ alg: 'ES256', kid: 'ES256' }))}.${encode(claims())}`),
    SIGNATURE,
  ],
  ['the key of a stranger under a known kid', () => forge.forge(header(), claims(), stranger), SIGNATURE],
  ['another payload under a good signature', () => swapPayload(forge.token(), claims({ roles: ['admin'] })), SIGNATURE],
  [
    'an embedded jwk',
    () => forge.forge(header({ jwk: publicJwk(stranger, 'EdDSA') }), claims(), stranger),
    'the header has the member jwk',
  ],
  ...Object.entries({
    jku: EVIL,
    x5u: EVIL,
    x5c: ['MIIB'],
    jwk: {},
    cty: 'JWT',
    zip: 'DEF',
    crit: ['exp'],
    b64: true,
    enc: 'A256GCM',
  }).map(
    ([member, value]) =>
      [
        `a good signature with ${member}`,
        () => forge.forge(header({ [member]: value }), claims()),
        `the header has the member ${member}`,
      ] as const,
  ),
  [
    'an unencoded payload (b64: false)',
    () => forge.forge(header({ crit: ['b64'], b64: false }), claims()),
    'the header has the member crit',
  ],
  ['a kid that climbs directories', () => forge.token({}, { kid: '../../../../etc/passwd' }), KID],
  ['a kid with SQL', () => forge.token({}, { kid: "x' or 1=1 --" }), KID],
  ['a kid of 65 characters', () => forge.token({}, { kid: 'k'.repeat(65) }), KID],
  ['a kid of 1 MB', () => forge.token({}, { kid: 'k'.repeat(1 << 20) }), LENGTH],
  ['an empty kid', () => forge.token({}, { kid: '' }), KID],
  ['a kid with a newline at the end', () => forge.token({}, { kid: 'EdDSA\n' }), KID],
  ['a kid that is a number', () => forge.token({}, { kid: 7 }), KID],
  ['an unknown kid', () => forge.token({}, { kid: 'unheard-of' }), NO_KEY],
  ['a typ of another kind of token', () => forge.token({}, { typ: 'logout+jwt' }), 'typ is neither JWT nor at+jwt'],
  ['a JWE', encrypted, SHAPE],
  [
    'a member twice in the header',
    () => forge.forge(twice(header(), '"kid":"EdDSA"'), claims()),
    'the header names a member twice',
  ],
  ['a claim twice', () => forge.forge(header(), twice(claims(), '"roles":["admin"]')), 'the payload names a claim twice'],
  [
    'a claim twice, once with escapes',
    () => forge.forge(header(), twice(claims(), '"\\u0072oles":["admin"]')),
    'the payload names a claim twice',
  ],
  ['a payload that is a list', () => forge.forge(header(), '[]'), 'JWT Claims Set must be a top-level JSON object'],
  ['a payload that is not JSON', () => forge.forge(header(), '{'), 'JWT Claims Set must be a top-level JSON object'],
  [
    'a payload that is not UTF-8',
    () => forge.forge(header(), Buffer.from('7b22ff223a317d', 'hex')),
    'JWT Claims Set must be a top-level JSON object',
  ],
  ['a header that is a list', () => forge.forge('[]', claims()), 'the header is not a JSON object'],
  ['a header that is null', () => forge.forge('null', claims()), 'the header is not a JSON object'],
  ['a header that is not JSON', () => forge.forge('{"alg":', claims()), 'the header is not JSON'],
  ['a header that is not UTF-8', () => forge.forge(Buffer.from('7b22ff223a317d', 'hex'), claims()), 'the header is not JSON'],
  ['a fourth segment', () => `${forge.token()}.AAAA`, SHAPE],
  ['a dot at the end', () => `${forge.token()}.`, SHAPE],
  ['a newline at the end', () => `${forge.token()}\n`, SHAPE],
  ['padding at the end', () => `${forge.token()}=`, SHAPE],
  ['a blank inside', () => forge.token().replace('.', ' .'), SHAPE],
  ['characters of plain base64', () => forge.token().replace(/.$/, '+'), SHAPE],
  ['bytes after the signature', () => `${forge.token()}AA`, SIGNATURE],
  ['one dangling character after the signature', () => `${forge.token({}, { alg: 'RS256', kid: 'RS256' })}AAA`, CANONICAL],
  ['another spelling of the same signature', () => respelled(forge.token()), CANONICAL],
  ['two segments', () => 'e30.e30', SHAPE],
  ['empty segments', () => '..', SHAPE],
  ['nothing', () => '', SHAPE],
  ['8 KB and one byte', () => tokenOfLength(8193), LENGTH],
];

function swapPayload(token: string, payload: Record<string, unknown>): string {
  const [head, , signature] = token.split('.');
  return `${head}.${encode(payload)}.${signature}`;
}

async function encrypted(): Promise<string> {
  const jwe = new CompactEncrypt(Buffer.from(forge.token())).setProtectedHeader({
    alg: 'RSA-OAEP-256',
    enc: 'A256GCM',
    kid: 'RS256',
    cty: 'JWT',
  });
  return jwe.encrypt(createPublicKey(keys.RS256));
}

/** A good token of exactly so many characters: header plus claims are padded to fit. */
function tokenOfLength(length: number): string {
  for (let filler = length >> 1; filler < length; filler++) {
    for (const kid of ['EdDSA', undefined]) {
      const token = forge.token({ filler: 'x'.repeat(filler) }, { kid });
      if (token.length === length) return token;
    }
  }
  throw new Error(`no token has ${length} characters`);
}

describe('a forged token', () => {
  it.each(FORGERIES)('is refused with 401 and causes no request: %s', async (_name, token, reason) => {
    const problem = await refusal(await token());
    expect({ code: problem.code, status: problem.status, reason: (problem.cause as Error).message }).toEqual({
      code: 'auth/invalid-token',
      status: 401,
      reason,
    });
    expect(fetched).toEqual([]);
  });

  it('learns nothing of the reason, nor of the token, from the answer', async () => {
    const problem = await refusal(forge.token({ aud: 'billing' }));
    expect(problem.headers).toEqual({ 'WWW-Authenticate': 'Bearer error="invalid_token"' });
    expect(problem.toJSON()).toEqual({
      type: 'urn:bss:problem:auth/invalid-token',
      title: 'The access token was not accepted',
      status: 401,
      detail: 'The access token is not valid.',
    });
  });

  it('is refused wherever one character of a good one is changed', async () => {
    const good = forge.token({}, { alg: 'ES256', kid: 'ES256' });
    const change = fc.tuple(fc.nat(good.length - 1), fc.constantFrom(...'AZaz09-_.=/ \u00e9'));
    await fc.assert(
      fc.asyncProperty(change, async ([at, character]) => {
        fc.pre(good[at] !== character);
        expect((await refusal(good.slice(0, at) + character + good.slice(at + 1))).status).toBe(401);
      }),
      { numRuns: 300 },
    );
    expect(fetched).toEqual([]);
  });

  it('is refused whatever header and payload a stranger puts together', async () => {
    const part = fc.oneof(fc.json(), fc.string(), fc.uint8Array());
    await fc.assert(
      fc.asyncProperty(part, part, async (head, payload) => {
        expect((await refusal(forge.forge(head, payload, stranger))).status).toBe(401);
      }),
      { numRuns: 300 },
    );
    expect(fetched).toEqual([]);
  });
});

const SUBJECT = '"sub" is not a string of 1 to 255 characters without control characters';
const TENANT = 'the tenant claim is not a UUID';
const ROLES = 'the roles claim is not an array of strings';

const BAD_CLAIMS: readonly (readonly [name: string, changes: Record<string, unknown>, reason: string])[] = [
  ['another issuer', { iss: 'https://evil.test' }, 'unexpected "iss" claim value'],
  ['the issuer with a slash more', { iss: `${forge.issuer}/` }, 'unexpected "iss" claim value'],
  ['the issuer in a list', { iss: [forge.issuer] }, 'unexpected "iss" claim value'],
  ['no issuer', { iss: undefined }, 'missing required "iss" claim'],
  ['the audience of another service', { aud: 'billing' }, 'unexpected "aud" claim value'],
  ['audiences of other services', { aud: ['billing', 'business-store-2'] }, 'unexpected "aud" claim value'],
  ['no audience', { aud: undefined }, 'missing required "aud" claim'],
  ['no expiry', { exp: undefined }, 'missing required "exp" claim'],
  ['expiry as a string', { exp: String(now() + 600) }, '"exp" claim must be a number'],
  ['expiry null', { exp: null }, '"exp" claim must be a number'],
  ['expired 10 minutes ago', { exp: now() - 600 }, '"exp" claim timestamp check failed'],
  ['not valid for another 10 minutes', { nbf: now() + 600 }, '"nbf" claim timestamp check failed'],
  ['nbf as a string', { nbf: '0' }, '"nbf" claim must be a number'],
  ['issued 10 minutes from now', { iat: now() + 600 }, '"iat" is in the future'],
  ['iat as a string', { iat: '0' }, '"iat" claim must be a number'],
  ['no subject', { sub: undefined }, 'missing required "sub" claim'],
  ['an empty subject', { sub: '' }, SUBJECT],
  ['a subject that is a number', { sub: 7 }, SUBJECT],
  ['the subject of an API key', { sub: 'api-key:0190f3c0-7a1e-7c3b-8f00-000000000001' }, '"sub" is that of an API key'],
  ['a subject of 256 characters', { sub: 's'.repeat(256) }, SUBJECT],
  ['a subject with a line break', { sub: 'a\r\nb' }, SUBJECT],
  ['a subject with NUL', { sub: 'a\u0000' }, SUBJECT],
  ['a subject with a lone surrogate', { sub: 'a\ud800' }, SUBJECT],
  ['a subject with a line separator', { sub: 'a\u2028b' }, SUBJECT],
  ['no tenant', { tenant_id: undefined }, TENANT],
  ['tenant null', { tenant_id: null }, TENANT],
  ['tenant in a list', { tenant_id: [FORGE_TENANT] }, TENANT],
  ['a tenant that is no UUID', { tenant_id: 'acme' }, TENANT],
  ['a tenant with a newline', { tenant_id: `${FORGE_TENANT}\n` }, TENANT],
  ['no tenant and unknown roles only', { tenant_id: undefined, roles: ['root'] }, TENANT],
  ['a system admin with a tenant', { roles: ['system_admin'] }, 'a system admin token names a tenant'],
  [
    'a system admin with tenant null',
    { roles: ['viewer', 'system_admin'], tenant_id: null },
    'a system admin token names a tenant',
  ],
  ['no roles', { roles: undefined }, ROLES],
  ['roles as a string', { roles: 'admin' }, ROLES],
  ['a role that is no string', { roles: ['admin', 1] }, ROLES],
  ['roles as an object', { roles: { 0: 'admin', length: 1 } }, ROLES],
];

describe('a well-signed token', () => {
  it.each(BAD_CLAIMS)('is refused with 401: %s', async (_name, changes, reason) => {
    const problem = await refusal(forge.token(changes));
    expect([problem.code, (problem.cause as Error).message]).toEqual(['auth/invalid-token', reason]);
  });

  it('is refused when its expiry is too large for a number', async () => {
    const payload = JSON.stringify(claims()).replace(/"exp":\d+/, '"exp":1e400');
    expect((await refusal(forge.forge(header(), payload))).cause).toEqual(new Error('"exp" is not a finite number'));
  });

  it('is told to get a new one when it has expired', async () => {
    expect((await refusal(forge.token({ exp: now() - 600 }))).detail).toBe('The token has expired: get a new one.');
  });

  it('is not told so when its signature is wrong as well', async () => {
    expect((await refusal(forge.forge(header(), claims({ exp: 1 }), stranger))).detail).toBe('The access token is not valid.');
  });

  it.each([
    ['5 s after its expiry', { exp: now() - 5 }, {}],
    ['5 s before it becomes valid', { nbf: now() + 5 }, {}],
    ['issued 5 s from now', { iat: now() + 5 }, {}],
    ['without iat', { iat: undefined }, {}],
    ['for several audiences, ours among them', { aud: ['billing', forge.audience] }, {}],
    ['with RS256', {}, { alg: 'RS256', kid: 'RS256' }],
    ['with ES256', {}, { alg: 'ES256', kid: 'ES256' }],
    ['with EdDSA', {}, { alg: 'EdDSA', kid: 'EdDSA' }],
    ['without kid, where one key fits', {}, { kid: undefined }],
    ['without typ', {}, { typ: undefined }],
    ['of typ at+jwt', {}, { typ: 'at+jwt' }],
    ['of typ application/at+jwt', {}, { typ: 'application/AT+JWT' }],
    ['with the tenant in upper case', { tenant_id: FORGE_TENANT.toUpperCase() }, {}],
    ['with roles that nobody can have', { roles: ['Root', 'viewer', 'viewer', 'toString', '__proto__'] }, {}],
  ])('is accepted %s', async (_name, claimChanges, headerChanges) => {
    const principal = await verifier.verify(forge.token(claimChanges, headerChanges));
    expect(principal).toEqual({ subject: 'somebody', tenantId: FORGE_TENANT, roles: ['viewer'], claims: {} });
  });

  it('is accepted at exactly 8 KB', async () => {
    await expect(verifier.verify(tokenOfLength(8192))).resolves.toMatchObject({ subject: 'somebody' });
  });

  it('of a system admin has no tenant', async () => {
    const token = forge.token({ tenant_id: undefined, roles: ['system_admin'] });
    await expect(verifier.verify(token)).resolves.toEqual({
      ...{ subject: 'somebody', tenantId: null, claims: {} },
      roles: ['system_admin'],
    });
  });

  it('names the roles that its tenant may have, each once', async () => {
    const principal = await verifier.verify(forge.token({ roles: ['clerk', 'editor', 'clerk', 'a-b_c9'] }));
    expect(principal).toMatchObject({ tenantId: FORGE_TENANT, roles: ['editor', 'a-b_c9', 'clerk'] });
  });

  it('with no role that could be is somebody who may do nothing', async () => {
    await expect(verifier.verify(forge.token({ roles: ['ROOT'] }))).resolves.toMatchObject({ tenantId: FORGE_TENANT, roles: [] });
  });

  it('has the claims that rules may ask for, and none that are about itself', async () => {
    const { claims: said } = await verifier.verify(forge.token({ region: 'north', teams: ['a', 1], jti: 'x', nested: {} }));
    expect(said).toEqual({ region: 'north', teams: ['a', 1] });
  });

  it('may call its claims otherwise', async () => {
    const renamed = newVerifier({ claims: { tenantId: 'https://acme.test/tenant', roles: 'groups' } });
    const token = forge.token({
      tenant_id: undefined,
      roles: undefined,
      'https://acme.test/tenant': FORGE_TENANT,
      groups: ['admin'],
    });
    await expect(renamed.verify(token)).resolves.toMatchObject({ tenantId: FORGE_TENANT, roles: ['admin'] });
  });
});
