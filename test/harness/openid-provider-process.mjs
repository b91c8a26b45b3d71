/**
 * A real OpenID provider (npm oidc-provider) in a process of its own, started by openid-provider.ts: the package is ESM
 * and keeps its state in the module. Sends its address when it listens; `rotate` gives it other keys, under which it knows
 * its opaque tokens still. Ends when its parent lets go, so it never outlives the tests.
 */

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

/** The only resource it knows, and the audience of its tokens: our service. */
const RESOURCE = 'urn:test:business-store';
const AUDIENCE = 'business-store';

function jwk(type, options, alg) {
  const { privateKey } = generateKeyPairSync(type, options);
  return { ...privateKey.export({ format: 'jwk' }), kid: `${alg}-${randomUUID()}`, alg, use: 'sig' };
}

const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;

const said = (ctx) => JSON.parse(Buffer.from(ctx.get('x-test-claims'), 'base64url').toString());

const client = (id, grants) => ({
  client_id: id,
  client_secret: id,
  grant_types: grants,
  redirect_uris: [],
  response_types: [],
  token_endpoint_auth_method: 'client_secret_basic',
});

/** One with new keys, at the same address. */
const newProvider = () =>
  new Provider(issuer, {
    clients: [client('tests', ['client_credentials']), client('business-store', [])],
    jwks: {
      keys: [
        jwk('rsa', { modulusLength: 2048 }, 'RS256'),
        jwk('ec', { namedCurve: 'P-256' }, 'ES256'),
        jwk('ed25519', {}, 'EdDSA'),
      ],
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, asking) => asking.clientId === 'business-store' },
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx) => ({
          scope: '',
          audience: AUDIENCE,
          accessTokenFormat: ctx.get('x-test-format') || 'jwt',
          accessTokenTTL: 3600,
          jwt: { sign: { alg: ctx.get('x-test-algorithm') || 'RS256' } },
        }),
      },
    },
    // What is said of an opaque token; a client credentials token would speak for nobody.
    extraTokenClaims: (ctx) => (ctx?.get('x-test-format') === 'opaque' ? said(ctx) : undefined),
    formats: {
      customizers: {
        // Not extraTokenClaims: that cannot change `sub`, and a client credentials token would speak for its one client.
        jwt: (ctx, _token, parts) => {
          Object.assign(parts.payload, said(ctx));
        },
      },
    },
  });

let answer = newProvider().callback();
server.on('request', (request, response) => answer(request, response));

process.on('message', () => {
  answer = newProvider().callback();
  process.send('rotated');
});
process.on('disconnect', () => process.exit(0));
process.send({ issuer, resource: RESOURCE, audience: AUDIENCE });
