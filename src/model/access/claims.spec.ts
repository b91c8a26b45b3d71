import { claimsOf, MAX_CLAIMS_BYTES } from './claims.js';

describe('claims that row rules may ask for', () => {
  it('are not those about the token itself, nor those the service reads otherwise', () => {
    const payload = { iss: 'i', aud: 'a', sub: 's', exp: 1, iat: 1, jti: 'j', scope: 'x', tenant_id: 't', roles: ['admin'] };
    expect(claimsOf(payload, ['tenant_id', 'roles'])).toEqual({});
  });

  it('are scalars and lists of them, and nothing deeper', () => {
    const payload = { region: 'eu', level: 3, vip: true, regions: ['eu', 'us'], deep: { a: 1 }, mixed: [['x']], none: null };
    expect(claimsOf(payload, [])).toEqual({ region: 'eu', level: 3, vip: true, regions: ['eu', 'us'] });
  });

  it('hold no text that Postgres cannot', () => {
    expect(claimsOf({ a: 'x\u0000', b: ['\ud800'], c: 'fine' }, [])).toEqual({ c: 'fine' });
  });

  it('are none at all where they are more than a transaction carries', () => {
    expect(claimsOf({ long: 'x'.repeat(MAX_CLAIMS_BYTES) }, [])).toBeNull();
  });

  it('have names that rules can ask for, and no others', () => {
    const payload = JSON.parse('{"__proto__":"x","a\\u0000b":1,"":1,"https://example.com/region":"eu","dept":"hr"}');
    expect(claimsOf(payload, [])).toEqual({ 'https://example.com/region': 'eu', dept: 'hr' });
  });
});
