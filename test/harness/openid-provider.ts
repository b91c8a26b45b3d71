/** Starts an independent OpenID provider for tests, and asks it for access tokens by OAuth 2.0 client credentials (RFC 6749 §4.4, RFC 8707, RFC 9068), which it also revokes (RFC 7009). */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

interface OpenIdTokenRequest {
  /** Default: the id of the client that asks; of an opaque token nobody. */
  readonly subject?: string;
  readonly tenantId?: string;
  readonly roles: readonly string[];
  /** Default RS256. */
  readonly algorithm?: 'RS256' | 'ES256' | 'EdDSA';
  /** Default jwt. */
  readonly format?: 'jwt' | 'opaque';
}

export interface OpenIdProvider {
  readonly issuer: string;
  readonly audience: string;
  /** As the provider's discovery document names it. */
  readonly jwksUrl: string;
  /** Who may ask it about opaque tokens. */
  readonly client: { readonly id: string; readonly secret: string };
  token(request: OpenIdTokenRequest): Promise<string>;
  revoke(token: string): Promise<void>;
  /** Other keys in place of those it had. */
  rotate(): Promise<void>;
  stop(): Promise<void>;
}

interface Announcement {
  readonly issuer: string;
  readonly resource: string;
  readonly audience: string;
}

export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const child = fork(join(__dirname, 'openid-provider-process.mjs'), {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: [],
  });
  const exited = once(child, 'exit');
  let complaints = '';
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    complaints += text;
  });
  const failed = exited.then(() => Promise.reject(new Error(`the OpenID provider did not start: ${complaints}`)));
  const [{ issuer, resource, audience }] = (await Promise.race([once(child, 'message'), failed])) as [Announcement];
  failed.catch(() => undefined);
  const discovery = (await (await fetch(`${issuer}/.well-known/openid-configuration`)).json()) as {
    jwks_uri: string;
    token_endpoint: string;
    revocation_endpoint: string;
  };
  const authorization = `Basic ${Buffer.from('tests:tests').toString('base64')}`;

  return {
    issuer,
    audience,
    jwksUrl: discovery.jwks_uri,
    client: { id: 'business-store', secret: 'business-store' },
    token: async ({ subject, tenantId, roles, algorithm = 'RS256', format = 'jwt' }) => {
      const response = await fetch(discovery.token_endpoint, {
        method: 'POST',
        headers: {
          authorization,
          'x-test-claims': Buffer.from(JSON.stringify({ sub: subject, tenant_id: tenantId, roles })).toString('base64url'),
          'x-test-algorithm': algorithm,
          'x-test-format': format,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
      });
      const answer = (await response.json()) as { access_token?: string };
      if (!answer.access_token) throw new Error(`the OpenID provider refused: ${JSON.stringify(answer)}`);
      return answer.access_token;
    },
    revoke: async (token) => {
      const body = new URLSearchParams({ token });
      const { status } = await fetch(discovery.revocation_endpoint, { method: 'POST', headers: { authorization }, body });
      if (status !== 200) throw new Error(`the OpenID provider did not revoke: ${status}`);
    },
    rotate: async () => {
      const rotated = once(child, 'message');
      child.send('rotate');
      await rotated;
    },
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}
