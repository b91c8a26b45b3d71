/** What the Auth Service may say of a token, and for how long it counts. */

import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { CLAIM_NAMES } from './claimed-principal.js';
import { OpaqueTokens } from './opaque-tokens.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';
const RULES = { issuer: 'https://auth.test', audience: 'business-store', clockToleranceSeconds: 30 };
const SECOND = 1_000;

let asked: string[];
let says: (token: string) => JsonObject | Promise<JsonObject>;

const now = () => Math.floor(Date.now() / 1000);
const answer = (changes: Record<string, unknown> = {}) =>
  JSON.parse(
    JSON.stringify({
      ...{ active: true, iss: RULES.issuer, aud: RULES.audience, sub: 'somebody', exp: now() + 600, iat: now() },
      ...{ tenant_id: TENANT, roles: ['viewer'], token_type: 'Bearer', client_id: 'app', scope: 'all' },
      ...changes,
    }),
  ) as JsonObject;

function newTokens(): OpaqueTokens {
  const introspect = async (token: string) => {
    asked.push(token);
    return says(token);
  };
  return new OpaqueTokens({ introspect }, RULES, CLAIM_NAMES);
}

beforeEach(() => {
  asked = [];
  says = () => answer();
  jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick', 'queueMicrotask', 'performance'], now: 1_700_000_000_000 });
});
afterEach(() => jest.useRealTimers());

describe('an opaque token', () => {
  it.each<[string, () => Record<string, unknown>, string]>([
    ['not active', () => ({ active: false }), 'the Auth Service says that the token is not active'],
    ['of another issuer', () => ({ iss: 'https://evil.test' }), 'the token is that of another issuer'],
    ['of issuer null', () => ({ iss: null }), 'the token is that of another issuer'],
    ['for nobody', () => ({ aud: undefined }), 'the token is for another audience'],
    ['for others', () => ({ aud: ['billing', 'crm'] }), 'the token is for another audience'],
    ['for whom we are a part of', () => ({ aud: 'business-store-2' }), 'the token is for another audience'],
    ['for an object', () => ({ aud: { 'business-store': true } }), 'the token is for another audience'],
    ['of type DPoP', () => ({ token_type: 'DPoP' }), 'the token is no bearer token'],
    ['of type null', () => ({ token_type: null }), 'the token is no bearer token'],
    ['bound to a key', () => ({ cnf: { jkt: 'x' } }), 'the token is no bearer token'],
    ['without expiry', () => ({ exp: undefined }), '"exp" is not a finite number'],
    ['with an expiry of text', () => ({ exp: `${now() + 600}` }), '"exp" is not a finite number'],
    ['with expiry null', () => ({ exp: null }), '"exp" is not a finite number'],
    ['expired 31 seconds ago', () => ({ exp: now() - 31 }), 'the token has expired'],
    ['not valid for a minute', () => ({ nbf: now() + 60 }), '"nbf" is in the future, or no number'],
    ['with nbf of text', () => ({ nbf: '0' }), '"nbf" is in the future, or no number'],
    ['issued in a minute', () => ({ iat: now() + 60 }), '"iat" is in the future, or no number'],
    ['without subject', () => ({ sub: undefined }), '"sub" is not a string of 1 to 255 characters without control characters'],
    [
      'of a subject with a line break',
      () => ({ sub: 'a\nb' }),
      '"sub" is not a string of 1 to 255 characters without control characters',
    ],
    ['of the subject of an API key', () => ({ sub: 'api-key:x' }), '"sub" is that of an API key'],
    ['without tenant', () => ({ tenant_id: undefined }), 'the tenant claim is not a UUID'],
    ['of several tenants', () => ({ tenant_id: [TENANT] }), 'the tenant claim is not a UUID'],
    ['of tenant null', () => ({ tenant_id: null }), 'the tenant claim is not a UUID'],
    [
      'with a scope in place of roles',
      () => ({ roles: undefined, scope: 'admin' }),
      'the roles claim is not an array of strings',
    ],
    ['with roles in one text', () => ({ roles: 'admin' }), 'the roles claim is not an array of strings'],
    ['of a system admin with a tenant', () => ({ roles: ['system_admin'] }), 'a system admin token names a tenant'],
  ])('is refused with 401 when it is %s, twice and with one question', async (_name, changes, reason) => {
    says = () => answer(changes());
    const tokens = newTokens();
    for (let n = 0; n < 2; n++) {
      const problem = await tokens.verify('opaque').catch((error: unknown) => error);
      expect(problem).toBeInstanceOf(Problem);
      expect(problem).toMatchObject({ code: 'auth/invalid-token', cause: new Error(reason) });
    }
    expect(asked).toEqual(['opaque']);
  });

  it('is not accepted, nor its refusal remembered, when nobody could be asked', async () => {
    const tokens = newTokens();
    const unavailable = new Problem('auth/issuer-unavailable', 'away');
    says = () => Promise.reject(unavailable);
    for (let n = 0; n < 2; n++) await expect(tokens.verify('opaque')).rejects.toBe(unavailable);
    says = () => answer();
    await tokens.verify('opaque');
    expect(asked).toHaveLength(3);
  });

  it('is refused 30 s after it was revoked, counted from the question', async () => {
    const tokens = newTokens();
    let reply = (_: JsonObject): void => {};
    says = () => new Promise((resolve) => (reply = resolve));
    const first = tokens.verify('opaque');
    await new Promise(setImmediate);
    jest.advanceTimersByTime(2 * SECOND);
    reply(answer());
    await first;
    says = () => ({ active: false });
    jest.advanceTimersByTime(28 * SECOND - 1);
    await tokens.verify('opaque');
    jest.advanceTimersByTime(1);
    await expect(tokens.verify('opaque')).rejects.toMatchObject({ code: 'auth/invalid-token' });
    expect(asked).toHaveLength(2);
  });

  it('is refused when it expires, remembered or not', async () => {
    const tokens = newTokens();
    says = () => answer({ exp: now() + 5 });
    await tokens.verify('opaque');
    says = () => ({ active: false });
    jest.advanceTimersByTime(5 * SECOND);
    await expect(tokens.verify('opaque')).rejects.toMatchObject({ code: 'auth/invalid-token' });
  });

  it('is asked about again 10 s after it was refused', async () => {
    const tokens = newTokens();
    says = () => ({ active: false });
    await expect(tokens.verify('opaque')).rejects.toBeInstanceOf(Problem);
    says = () => answer();
    jest.advanceTimersByTime(10 * SECOND - 1);
    await expect(tokens.verify('opaque')).rejects.toBeInstanceOf(Problem);
    jest.advanceTimersByTime(1);
    await tokens.verify('opaque');
  });

  it('is asked about once for all who send it, and apart from every other', async () => {
    const tokens = newTokens();
    says = (token) => answer({ sub: `owner of ${token}` });
    const found = await Promise.all(['a', 'b', 'a', 'b', 'A'].map((token) => tokens.verify(token)));
    expect(asked).toEqual(['a', 'b', 'A']);
    expect(found.map(({ subject }) => subject)).toEqual(['a', 'b', 'a', 'b', 'A'].map((token) => `owner of ${token}`));
    expect(found[0]).toBe(found[2]);
    expect(() => Object.assign(found[0] as object, { tenantId: null })).toThrow(TypeError);
  });

  it('is unknown until it was asked about, and again when the answer counts no more', async () => {
    const tokens = newTokens();
    expect(['good', 'odd token', 'x'.repeat(9_000)].map((token) => tokens.isUnknown(token))).toEqual([true, false, false]);
    const first = tokens.verify('good');
    expect(tokens.isUnknown('good')).toBe(false);
    await first;
    says = () => ({ active: false });
    await tokens.verify('bad').catch(() => {});
    expect(['good', 'bad', 'other'].map((token) => tokens.isUnknown(token))).toEqual([false, false, true]);
    jest.advanceTimersByTime(10 * SECOND);
    expect(['good', 'bad'].map((token) => tokens.isUnknown(token))).toEqual([false, true]);
    jest.advanceTimersByTime(20 * SECOND);
    expect(tokens.isUnknown('good')).toBe(true);
    expect(asked).toEqual(['good', 'bad']);
  });

  it('does not push others out of memory by being guessed', async () => {
    const tokens = newTokens();
    await tokens.verify('good');
    says = () => ({ active: false });
    for (let n = 0; n < 10_001; n++) await tokens.verify(`guess-${n}`).catch(() => {});
    await tokens.verify('good');
    expect(asked).toHaveLength(10_002);
    // The first guess had to go.
    await tokens.verify('guess-0').catch(() => {});
    expect(asked).toHaveLength(10_003);
  });

  it.each<[string, Record<string, unknown>]>([
    ['of no issuer that is named', { iss: undefined }],
    ['of no type', { token_type: undefined }],
    ['of type bearer', { token_type: 'bearer' }],
    ['for several', { aud: ['crm', 'business-store'] }],
    ['without a date', { iat: undefined }],
    ['expired 29 seconds ago', { exp: 1_700_000_000 - 29 }],
    ['valid in 29 seconds', { nbf: 1_700_000_000 + 29 }],
  ])('is accepted when it is %s', async (_name, changes) => {
    says = () => answer(changes);
    await expect(newTokens().verify('opaque')).resolves.toEqual({
      ...{ subject: 'somebody', tenantId: TENANT, claims: {} },
      roles: ['viewer'],
    });
  });

  it('has roles of the tenant’s own, and claims', async () => {
    says = () => answer({ roles: ['clerk'], region: 'north' });
    await expect(newTokens().verify('opaque')).resolves.toMatchObject({ roles: ['clerk'], claims: { region: 'north' } });
  });
});
