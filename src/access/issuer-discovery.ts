/**
 * What the Auth Service says of itself: where its keys are and where it can be asked about a token (OpenID Connect Discovery 1.0 §4,
 * RFC 8414). Fetched when an address is needed that no setting names, from places that the issuer's name alone decides.
 */

import type { JsonObject } from '../platform/json-value.js';
import { askIssuer, IssuerRefusal } from './ask-issuer.js';
import { KeptAnswer } from './kept-answer.js';

const WHAT = 'the metadata of the Auth Service';
const REFRESH_AFTER_MS = 5 * 60_000;
const FRESH_FOR_MS = 10 * 60_000;
/** Short: whoever needs an address has pauses of its own, and is not to wait for two. */
const RETRY_MS = 1_000;

export interface IssuerMetadata {
  readonly jwksUrl: string;
  /** null: it cannot be asked about tokens (RFC 7662). */
  readonly introspectionUrl: string | null;
}

interface IssuerDiscoveryOptions {
  /** Must equal `issuer` of the document, to the letter (RFC 8414 §3.3). */
  readonly issuer: string;
  /** Where the document is, for an issuer whose name is no address. Default: the two well-known places. */
  readonly address?: string;
  readonly fetch?: typeof fetch;
  readonly onFetchFailure?: (reason: Error) => void;
}

export class IssuerDiscovery {
  private readonly kept: KeptAnswer<IssuerMetadata>;

  constructor(private readonly options: IssuerDiscoveryOptions) {
    this.kept = new KeptAnswer({
      fetch: () => this.discover(),
      refreshAfterMs: REFRESH_AFTER_MS,
      freshForMs: FRESH_FOR_MS,
      retryMs: [RETRY_MS, RETRY_MS],
      onFailure: options.onFetchFailure,
    });
  }

  /** @throws Error with the reason, when it is not known and cannot be fetched now */
  async metadata(): Promise<IssuerMetadata> {
    const metadata = await this.kept.current();
    if (!metadata) throw this.kept.lastFailure ?? new Error(`${WHAT} is not fetched yet`);
    return metadata;
  }

  private async discover(): Promise<IssuerMetadata> {
    const { issuer, address } = this.options;
    const [first, second] = address === undefined ? wellKnownOf(issuer) : [address];
    let document: JsonObject;
    try {
      document = await this.ask(first as string);
    } catch (error) {
      // Most publish in one of the two places; one that does not answer at all need not be asked twice.
      if (!(error instanceof IssuerRefusal) || second === undefined) throw error;
      document = await this.ask(second);
    }
    if (document.issuer !== issuer) throw new Error(`${WHAT} is that of another issuer`);
    return {
      jwksUrl: addressIn(document, 'jwks_uri', issuer),
      introspectionUrl:
        document.introspection_endpoint === undefined ? null : addressIn(document, 'introspection_endpoint', issuer),
    };
  }

  private ask(url: string): Promise<JsonObject> {
    return askIssuer(this.options.fetch ?? fetch, WHAT, url);
  }
}

/** OpenID Connect appends to the path of the issuer, RFC 8414 §3.1 puts the well-known segment before it. */
export function wellKnownOf(issuer: string): readonly [string, string] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/$/, '');
  return [`${origin}${path}/.well-known/openid-configuration`, `${origin}/.well-known/oauth-authorization-server${path}`];
}

/** An issuer that is spoken to in private does not send us, or our secret, over an open line. */
function addressIn(document: JsonObject, member: string, issuer: string): string {
  const value = document[member];
  const protocol = typeof value === 'string' && URL.canParse(value) ? new URL(value).protocol : undefined;
  const isFitting = protocol === 'https:' || (protocol === 'http:' && !issuer.startsWith('https:'));
  if (!isFitting) throw new Error(`${WHAT} has no usable ${member}`);
  return value as string;
}
