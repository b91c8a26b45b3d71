import { CLAIM_NAMES } from './claimed-principal.js';
import { IntrospectionClient } from './introspection-client.js';
import { IssuerDiscovery } from './issuer-discovery.js';
import { OpaqueTokens } from './opaque-tokens.js';
import { CLOCK_TOLERANCE_SECONDS, TokenVerifier } from './token-verifier.js';

/** The Auth Service as settings name it, and what reads its tokens. What no setting names is asked of its metadata, once it is needed. */
export interface AuthServiceOptions {
  /** The `iss` of its tokens; an http(s) address, unless all else is given. */
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl?: string;
  /** Where its metadata is, if not in a well-known place. */
  readonly metadataUrl?: string;
  /** Who we are to it; without, it is not asked about opaque tokens. */
  readonly client?: { readonly id: string; readonly secret: string; readonly introspectionUrl?: string };
}

export interface AuthService {
  readonly tokens: TokenVerifier;
  readonly opaqueTokens: OpaqueTokens;
}

/** Opens no connection yet. @param onFailure told of every fetch of keys or metadata that failed */
export function authServiceOf(options: AuthServiceOptions, onFailure: (reason: Error) => void): AuthService {
  const { issuer, audience, jwksUrl, metadataUrl, client } = options;
  const discovery = new IssuerDiscovery({ issuer, address: metadataUrl, onFetchFailure: onFailure });
  const introspectionUrl = async (): Promise<string> => {
    const url = client?.introspectionUrl ?? (await discovery.metadata()).introspectionUrl;
    if (url === null) throw new Error('the Auth Service names no introspection_endpoint');
    return url;
  };
  const asker = client && new IntrospectionClient({ url: introspectionUrl, clientId: client.id, clientSecret: client.secret });
  const rules = { issuer, audience, clockToleranceSeconds: CLOCK_TOLERANCE_SECONDS };
  return {
    tokens: new TokenVerifier({
      issuer,
      audience,
      jwksUrl: jwksUrl ?? (async () => (await discovery.metadata()).jwksUrl),
      onKeyFetchFailure: onFailure,
    }),
    opaqueTokens: new OpaqueTokens(asker ?? null, rules, CLAIM_NAMES),
  };
}
