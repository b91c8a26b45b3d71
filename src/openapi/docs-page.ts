/**
 * The API documentation in the browser: Swagger UI on the platform's document, or on a tenant's once a token is given.
 * Served at `/docs` (page) and `/docs/docs.js` (script); the files of swagger-ui-dist lie under `/docs/assets`.
 */

/** For the page's Content-Security-Policy header. Swagger UI sets inline styles and data: images; scripts are files only. */
export const DOCS_CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** HTML without inline script. */
export function docsPage(): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>Business Store API</title>
<link rel="icon" href="/docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<style>
body { margin: 0; font-family: sans-serif; }
form { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; padding: .75rem 1.25rem; background: #f2f4f7; border-bottom: 1px solid #d0d5dd; }
input { flex: 1 1 20rem; padding: .4rem .6rem; font: inherit; }
button { padding: .4rem .9rem; font: inherit; }
output { flex: 1 1 100%; min-height: 1.2em; }
</style>
</head>
<body>
<form id="access">
<label for="token">Access token</label>
<input id="token" type="password" autocomplete="off" spellcheck="false" placeholder="paste a token to see your tenant's API; it stays in this page">
<button id="show" type="submit">Show</button>
<output id="status" for="token"></output>
</form>
<noscript><p>This page needs JavaScript. The document itself is at <a href="/api/v1/openapi.json">/api/v1/openapi.json</a>.</p></noscript>
<main id="api"></main>
<script src="/docs/assets/swagger-ui-bundle.js" defer></script>
<script src="/docs/docs.js" defer></script>
</body>
</html>
`;
}

/** The page's script. The token lives in a variable only, and goes to this origin only; text from afar is set as text. */
export function docsScript(): string {
  return SCRIPT;
}

const SCRIPT = `'use strict';
(() => {
  const PLATFORM = '/api/v1/openapi.json';
  const form = document.getElementById('access');
  const field = document.getElementById('token');
  const button = document.getElementById('show');
  const status = document.getElementById('status');
  const host = document.getElementById('api');
  let token = '';

  const say = (text) => { status.textContent = text; };

  const withToken = (request) => {
    const own = new URL(request.url, location.href).origin === location.origin;
    if (own && token && !request.headers.Authorization) request.headers.Authorization = 'Bearer ' + token;
    return request;
  };

  const show = (url) => {
    const place = document.createElement('div');
    host.replaceChildren(place);
    SwaggerUIBundle({
      url,
      domNode: place,
      validatorUrl: null,
      queryConfigEnabled: false,
      persistAuthorization: false,
      docExpansion: 'list',
      defaultModelsExpandDepth: 0,
      requestInterceptor: withToken,
    });
  };

  const open = async () => {
    token = field.value.trim().replace(/^Bearer +/i, '');
    if (token === '') {
      say('');
      return show(PLATFORM);
    }
    const response = await fetch('/api/v1/session', { headers: { authorization: 'Bearer ' + token } });
    const session = await response.json();
    if (!response.ok) {
      token = '';
      return say(response.status + ': ' + (session.detail || session.title || 'the token was not accepted'));
    }
    const roles = (session.roles || []).join(', ');
    if (!session.tenant) {
      say(session.subject + ' (' + roles + ') belongs to no tenant: this is the API of the platform.');
      return show(PLATFORM);
    }
    say(session.subject + ' (' + roles + ') in ' + session.tenant.name);
    show('/api/v1/tenants/' + encodeURIComponent(session.tenant.id) + '/openapi.json');
  };

  form.addEventListener('submit', (event) => {
    event.preventDefault();
    button.disabled = true;
    open()
      .catch(() => {
        token = '';
        say('The service did not answer as expected. Is the token complete?');
      })
      .finally(() => { button.disabled = false; });
  });

  show(PLATFORM);
})();
`;
