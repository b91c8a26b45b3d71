import { createContext, runInContext } from 'node:vm';
import { DOCS_CONTENT_SECURITY_POLICY, docsPage, docsScript } from './docs-page.js';

type SwaggerOptions = { url: string; requestInterceptor: (request: { url: string; headers: Record<string, string> }) => unknown };

/** Just enough of a browser for the script: elements by id, text, and one answer to fetch. */
function browser(answer: () => Promise<Response> = () => Promise.reject(new Error('offline'))) {
  const elements = new Map<string, Record<string, unknown>>();
  const shown: SwaggerOptions[] = [];
  const fetched: { url: string; headers: Record<string, string> }[] = [];
  let submit: (event: { preventDefault(): void }) => void = () => {};
  const element = (id: string) => {
    const made = elements.get(id) ?? {
      value: '',
      textContent: '',
      replaceChildren: () => {},
      addEventListener: (_: string, listener: typeof submit) => {
        submit = listener;
      },
    };
    elements.set(id, made);
    return made;
  };
  runInContext(
    docsScript(),
    createContext({
      URL,
      location: { href: 'https://store.test/docs', origin: 'https://store.test' },
      document: {
        getElementById: (id: string) => (docsPage().includes(`id="${id}"`) ? element(id) : null),
        createElement: () => ({}),
      },
      SwaggerUIBundle: (options: SwaggerOptions) => void shown.push(options),
      fetch: (url: string, init: { headers: Record<string, string> }) => {
        fetched.push({ url, headers: init.headers });
        return answer();
      },
    }),
  );
  return {
    shown,
    fetched,
    status: () => elements.get('status')!.textContent,
    /** The headers Swagger UI would send to this address. */
    headersTo: (url: string, headers: Record<string, string> = {}) => {
      shown.at(-1)!.requestInterceptor({ url, headers });
      return headers;
    },
    enter: async (token: string) => {
      elements.get('token')!.value = token;
      submit({ preventDefault: () => {} });
      await new Promise((resolve) => setTimeout(resolve, 5));
    },
  };
}

const session =
  (body: object, status = 200) =>
  () =>
    Promise.resolve(Response.json(body, { status }));
const ADA = { subject: 'ada', roles: ['editor'], tenant: { id: 'a/b', slug: 'acme', name: '<img src=x onerror=alert(1)>' } };

describe('docs page', () => {
  it('has no inline script, no handler attributes and nothing from another origin', () => {
    expect(docsPage()).not.toMatch(/<script(?![^>]*\ssrc=)/);
    expect(docsPage()).not.toMatch(/\son\w+=/);
    expect(docsPage()).not.toMatch(/https?:\/\//);
    expect(DOCS_CONTENT_SECURITY_POLICY).toContain("script-src 'self';");
  });

  it('never lets text become markup', () => {
    expect(docsScript()).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval|localStorage|sessionStorage/);
  });

  it('sends the token to no other origin, and not over one given in Swagger UI', async () => {
    const page = browser(session(ADA));
    await page.enter('secret');
    expect(page.headersTo('https://elsewhere.test/api')).toEqual({});
    expect(page.headersTo('//elsewhere.test/api')).toEqual({});
    expect(page.headersTo('https://store.test:8443/api')).toEqual({});
    expect(page.headersTo('/api', { Authorization: 'Bearer other' })).toEqual({ Authorization: 'Bearer other' });
    expect(page.headersTo('/api')).toEqual({ Authorization: 'Bearer secret' });
  });

  it.each([
    ['a token that was refused', session({ title: 'No', detail: 'The token has expired.' }, 401), '401: The token has expired.'],
    ['an answer that is not JSON', () => Promise.resolve(new Response('<h1>')), /did not answer as expected/],
    ['no answer', () => Promise.reject(new TypeError('offline')), /did not answer as expected/],
  ])('explains %s, and forgets the token', async (_, answer, expected) => {
    const page = browser(answer);
    await page.enter('secret');
    expect(page.status()).toMatch(expected);
    expect(page.shown).toHaveLength(1);
    expect(page.headersTo('/api')).toEqual({});
  });

  it('shows the platform without a token', () => {
    const page = browser();
    expect(page.shown.map(({ url }) => url)).toEqual(['/api/v1/openapi.json']);
    expect(page.headersTo('/api/v1/openapi.json')).toEqual({});
    expect(page.fetched).toEqual([]);
  });

  it("asks who the token belongs to and shows that tenant's document", async () => {
    const page = browser(session(ADA));
    await page.enter('  Bearer secret\n');
    expect(page.fetched).toEqual([{ url: '/api/v1/session', headers: { authorization: 'Bearer secret' } }]);
    expect(page.shown.at(-1)!.url).toBe('/api/v1/tenants/a%2Fb/openapi.json');
    expect(page.status()).toBe('ada (editor) in <img src=x onerror=alert(1)>');
  });

  it('shows a system admin, who has no tenant, the platform', async () => {
    const page = browser(session({ subject: 'root', roles: ['system_admin'], tenant: null }));
    await page.enter('secret');
    expect(page.shown.map(({ url }) => url)).toEqual(['/api/v1/openapi.json', '/api/v1/openapi.json']);
    expect(page.headersTo('/api')).toEqual({ Authorization: 'Bearer secret' });
  });
});
