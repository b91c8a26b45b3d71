/** Starts an independent OpenID provider for tests, and asks it for access tokens by OAuth 2.0 client credentials (RFC 6749 §4.4, RFC 8707, RFC 9068). */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

interface OpenIdTokenRequest {
  /** Default: the id of the one registered client. */
  readonly subject?: string;
  readonly tenantId?: string;
  readonly roles: readonly string[];
  /** Default RS256. */
  readonly algorithm?: 'RS256' | 'ES256' | 'EdDSA';
}

export interface OpenIdProvider {
  readonly issuer: string;
  readonly audience: string;
  /** As the provider's discovery document names it. */
  readonly jwksUrl: string;
  token(request: OpenIdTokenRequest): Promise<string>;
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
  };

  return {
    issuer,
    audience,
    jwksUrl: discovery.jwks_uri,
    token: async ({ subject, tenantId, roles, algorithm = 'RS256' }) => {
      const response = await fetch(discovery.token_endpoint, {
        method: 'POST',
        headers: {
          authorization: `Basic ${Buffer.from('tests:tests').toString('base64')}`,
          'x-test-claims': Buffer.from(JSON.stringify({ sub: subject, tenant_id: tenantId, roles })).toString('base64url'),
          'x-test-algorithm': algorithm,
        },
        body: new URLSearchParams({ grant_type: 'client_credentials', resource }),
      });
      const answer = (await response.json()) as { access_token?: string };
      if (!answer.access_token) throw new Error(`the OpenID provider refused: ${JSON.stringify(answer)}`);
      return answer.access_token;
    },
    stop: async () => {
      child.disconnect();
      await exited;
    },
  };
}
