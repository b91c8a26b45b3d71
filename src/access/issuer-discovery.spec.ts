/** Where addresses come from that no setting names, and which documents are not believed. */

import { IssuerDiscovery, wellKnownOf } from './issuer-discovery.js';

const ISSUER = 'https://auth.test/acme';
const DOCUMENT = {
  issuer: ISSUER,
  jwks_uri: 'https://keys.test/jwks',
  introspection_endpoint: 'https://auth.test/acme/introspect',
};
const [OPENID, OAUTH] = wellKnownOf(ISSUER);
const MINUTE = 60_000;

let clock: number;
let asked: string[];
let pages: Record<string, () => Response>;
let failures: string[];

const newDiscovery = (options: Partial<ConstructorParameters<typeof IssuerDiscovery>[0]> = {}) =>
  new IssuerDiscovery({
    issuer: ISSUER,
    fetch: async (url) => {
      asked.push(String(url));
      return pages[String(url)]?.() ?? new Response(null, { status: 404 });
    },
    onFetchFailure: ({ message }) => failures.push(message),
    ...options,
  });

beforeEach(() => {
  clock = 1_000_000;
  asked = [];
  failures = [];
  pages = { [OPENID]: () => Response.json(DOCUMENT) };
  jest.spyOn(performance, 'now').mockImplementation(() => clock);
});
afterEach(() => jest.restoreAllMocks());

describe('metadata', () => {
  it.each<[string, object]>([
    ['another issuer', { issuer: 'https://evil.test' }],
    ['the issuer with a slash', { issuer: `${ISSUER}/` }],
    ['the issuer in capitals', { issuer: ISSUER.toUpperCase() }],
    ['no issuer', { issuer: undefined }],
    ['no keys', { jwks_uri: undefined }],
    ['keys at no address', { jwks_uri: 'jwks' }],
    ['keys in a file', { jwks_uri: 'file:///etc/passwd' }],
    ['keys over an open line', { jwks_uri: 'http://auth.test/jwks' }],
    ['a list of key sets', { jwks_uri: ['https://keys.test/jwks'] }],
    ['introspection over an open line', { introspection_endpoint: 'http://auth.test/introspect' }],
    ['introspection at null', { introspection_endpoint: null }],
  ])('is not believed with %s', async (_name, changes) => {
    pages[OPENID] = () => Response.json({ ...DOCUMENT, ...changes });
    await expect(newDiscovery().metadata()).rejects.toThrow(
      /^the metadata of the Auth Service (is that of another issuer|has no usable)/,
    );
    expect(failures).toHaveLength(1);
  });

  it.each<[string, () => Response]>([
    ['an issuer twice', () => new Response(`{"issuer":"https://evil.test",${JSON.stringify(DOCUMENT).slice(1)}`)],
    ['a list', () => Response.json([DOCUMENT])],
    ['no JSON', () => new Response('<html>')],
    ['a megabyte', () => new Response(`${JSON.stringify(DOCUMENT)}${' '.repeat(1 << 20)}`)],
  ])('is not believed when it is %s', async (_name, page) => {
    pages[OPENID] = page;
    await expect(newDiscovery().metadata()).rejects.toThrow(/^the metadata of the Auth Service/);
  });

  it('is not looked for in a second place when the first does not answer at all', async () => {
    pages[OPENID] = () => {
      throw new TypeError('fetch failed');
    };
    pages[OAUTH] = () => Response.json(DOCUMENT);
    await expect(newDiscovery().metadata()).rejects.toThrow('fetch failed');
    expect(asked).toEqual([OPENID]);
  });

  it('that is gone is trusted as it was, for a day', async () => {
    const discovery = newDiscovery();
    await discovery.metadata();
    pages = {};
    clock += 24 * 60 * MINUTE - 1;
    await discovery.metadata();
    clock += 1;
    await expect(discovery.metadata()).rejects.toThrow('the metadata of the Auth Service answered 404');
  });

  it('is found in either well-known place', async () => {
    const expected = { jwksUrl: DOCUMENT.jwks_uri, introspectionUrl: DOCUMENT.introspection_endpoint };
    expect(await newDiscovery().metadata()).toEqual(expected);
    pages = { [OAUTH]: () => Response.json(DOCUMENT) };
    expect(await newDiscovery().metadata()).toEqual(expected);
    expect(asked).toEqual([OPENID, OPENID, OAUTH]);
  });

  it('is fetched once for all who ask, and followed when it changes', async () => {
    const discovery = newDiscovery();
    await Promise.all(Array.from({ length: 50 }, () => discovery.metadata()));
    pages[OPENID] = () => Response.json({ ...DOCUMENT, jwks_uri: 'https://keys.test/new' });
    clock += 10 * MINUTE;
    expect((await discovery.metadata()).jwksUrl).toBe('https://keys.test/new');
    expect(asked).toHaveLength(2);
  });

  it('may leave out that tokens can be asked about', async () => {
    pages[OPENID] = () => Response.json({ ...DOCUMENT, introspection_endpoint: undefined });
    expect((await newDiscovery().metadata()).introspectionUrl).toBeNull();
  });

  it('may name addresses over the same open line as the issuer itself', async () => {
    const issuer = 'http://127.0.0.1:9';
    const [place] = wellKnownOf(issuer);
    pages[place] = () => Response.json({ issuer, jwks_uri: `${issuer}/jwks` });
    expect((await newDiscovery({ issuer }).metadata()).jwksUrl).toBe(`${issuer}/jwks`);
  });
});

it.each([
  ['https://a.test', 'https://a.test/.well-known/openid-configuration', 'https://a.test/.well-known/oauth-authorization-server'],
  ['https://a.test/', 'https://a.test/.well-known/openid-configuration', 'https://a.test/.well-known/oauth-authorization-server'],
  [
    'https://a.test/b/c',
    'https://a.test/b/c/.well-known/openid-configuration',
    'https://a.test/.well-known/oauth-authorization-server/b/c',
  ],
])('an issuer %s is looked up at well-known places', (issuer, ...places) => {
  expect(wellKnownOf(issuer)).toEqual(places);
});
