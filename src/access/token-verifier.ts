/**
 * Access token in, principal out: JSON Web Tokens (RFC 7519) checked by the rules of RFC 8725, with keys from an address
 * that no token has a say in. Used by the passport strategy; everything a client sees of a refusal is one sentence, the
 * precise reason is on `error.cause` for the server's log.
 */

import { hash } from 'node:crypto';
import { type CryptoKey, errors, type JWSHeaderParameters, type JWTPayload, jwtVerify } from 'jose';
import { hasDuplicateMembers } from '../platform/json.js';
import { isJsonObject, type JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { CLAIM_NAMES, type ClaimNames, claimedPrincipal } from './claimed-principal.js';
import { IssuerKeys } from './issuer-keys.js';
import type { Principal } from './principal.js';
import { EXPIRED, refusedToken as refused } from './refused-token.js';
import { Remembered } from './remembered.js';

const ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'];
const TYPES: readonly string[] = ['jwt', 'at+jwt', 'application/at+jwt'];
/** Header members that point at keys, change how the token is read, or announce a token within the token. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'cty', 'zip', 'enc'] as const;
const MAX_TOKEN_LENGTH = 8192;
const SEGMENTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const KID = /^[A-Za-z0-9._-]{1,64}$/;

export const CLOCK_TOLERANCE_SECONDS = 30;
const CACHE_ENTRIES = 10_000;
/** A token is checked anew this often, and as soon as other keys were published. */
const CACHE_MS = 60_000;

const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface TokenVerifierOptions {
  /** Must equal `iss`. */
  readonly issuer: string;
  /** Must equal `aud`, or be one of its members. */
  readonly audience: string;
  /** Where the keys are, or who knows: asked before each fetch, and may reject. */
  readonly jwksUrl: string | (() => Promise<string>);
  /** Allowed difference between the clocks, for `exp`, `nbf` and `iat`. Default 30. */
  readonly clockToleranceSeconds?: number;
  /** Names of our two private claims, where the Auth Service calls them otherwise. Default `tenant_id` and `roles`. */
  readonly claims?: Partial<ClaimNames>;
  readonly fetch?: typeof fetch;
  /** Told of every failed fetch of the keys: known keys go on working, so nobody else would notice. */
  readonly onKeyFetchFailure?: (reason: Error) => void;
}

interface Verified {
  readonly principal: Principal;
  /** Of the keys it was checked with. */
  readonly generation: number;
}

export class TokenVerifier {
  private readonly keys: IssuerKeys;
  private readonly tolerance: number;
  private readonly names: ClaimNames;
  private readonly verified = new Remembered<Verified>(CACHE_ENTRIES);

  constructor(private readonly options: TokenVerifierOptions) {
    const { jwksUrl } = options;
    const url = typeof jwksUrl === 'string' ? async () => jwksUrl : jwksUrl;
    this.keys = new IssuerKeys({ url, fetch: options.fetch, onFetchFailure: options.onKeyFetchFailure });
    this.tolerance = options.clockToleranceSeconds ?? CLOCK_TOLERANCE_SECONDS;
    this.names = { ...CLAIM_NAMES, ...options.claims };
  }

  /**
   * The principal of a compact JWS, as `claimedPrincipal` makes it; shared between requests.
   * @throws Problem `auth/invalid-token` (401), the reason as `cause.message`
   * @throws Problem `auth/issuer-unavailable` (503, Retry-After) while there are no keys to check with
   */
  async verify(token: string): Promise<Principal> {
    if (token.length > MAX_TOKEN_LENGTH) throw refused('the token is longer than 8 KB');
    const fingerprint = hash('sha256', token, 'base64');
    const now = Date.now();
    const cached = this.verified.get(fingerprint);
    if (cached?.generation === this.keys.generation) {
      this.keys.refresh();
      return cached.principal;
    }

    const payloadText = checkShape(token);
    const { claims, generation } = await this.checkSignatureAndClaims(token, now);
    // jose decoded these very bytes as UTF-8 and JSON, so this can only find what JSON.parse passes over in silence.
    if (hasDuplicateMembers(payloadText())) throw refused('the payload names a claim twice');
    const principal = claimedPrincipal(claims as JsonObject, this.names);
    this.verified.set(fingerprint, { principal, generation }, Math.min(Number(claims.exp) * 1000, now + CACHE_MS));
    return principal;
  }

  /** Fetches the keys if none are known yet: null when tokens can be checked, else why not, for readiness. */
  whyNotReady(): Promise<string | null> {
    return this.keys.whyNotReady();
  }

  private async checkSignatureAndClaims(token: string, now: number): Promise<{ claims: JWTPayload; generation: number }> {
    let claims: JWTPayload;
    let generation = 0;
    const keyFor = async (header: JWSHeaderParameters): Promise<CryptoKey> => {
      const found = await this.keys.find(header);
      generation = found.generation;
      return found.key;
    };
    try {
      const result = await jwtVerify(token, keyFor, {
        algorithms: [...ALGORITHMS],
        issuer: this.options.issuer,
        audience: this.options.audience,
        requiredClaims: ['exp', 'sub'],
        clockTolerance: this.tolerance,
        currentDate: new Date(now),
      });
      claims = result.payload;
    } catch (error) {
      if (error instanceof Problem) throw error;
      throw refused(
        error instanceof Error ? error.message : 'unknown failure',
        error instanceof errors.JWTExpired ? EXPIRED : undefined,
      );
    }
    if (!Number.isFinite(claims.exp)) throw refused('"exp" is not a finite number');
    // RFC 7519 leaves iat to the application and jose only looks at its type; a token from the future is a forgery or a broken clock.
    if (claims.iat !== undefined && !(claims.iat <= now / 1000 + this.tolerance)) throw refused('"iat" is in the future');
    return { claims, generation };
  }
}

/**
 * Everything that can be refused before a key is looked for, so that hostile text costs no fetch and no signature.
 * Returns the decoder of the payload, to be called once the signature is known to be good.
 */
function checkShape(token: string): () => string {
  const segments = SEGMENTS.exec(token);
  if (!segments) throw refused('not three base64url segments');
  const [header, payload, signature] = segments
    .slice(1)
    .map((segment) => ({ text: segment!, bytes: Buffer.from(segment!, 'base64url') }));
  // Bits beyond the last byte are ignored by decoders, so a token would have several spellings.
  for (const { text, bytes } of [header!, payload!, signature!]) {
    if (bytes.toString('base64url') !== text) throw refused('a segment is not canonical base64url');
  }
  checkHeader(parseHeader(header!.bytes));
  return () => utf8.decode(payload!.bytes);
}

function parseHeader(bytes: Uint8Array): JsonObject {
  let header: unknown;
  let text: string;
  try {
    text = utf8.decode(bytes);
    header = JSON.parse(text);
  } catch {
    throw refused('the header is not JSON');
  }
  if (!isJsonObject(header)) throw refused('the header is not a JSON object');
  if (hasDuplicateMembers(text)) throw refused('the header names a member twice');
  return header;
}

function checkHeader(header: JsonObject): void {
  const forbidden = FORBIDDEN_HEADERS.find((member) => Object.hasOwn(header, member));
  if (forbidden) throw refused(`the header has the member ${forbidden}`);
  const { alg, kid, typ } = header;
  if (typeof alg !== 'string' || !ALGORITHMS.includes(alg)) throw refused('the algorithm is not RS256, ES256 or EdDSA');
  if (kid !== undefined && (typeof kid !== 'string' || !KID.test(kid)))
    throw refused('kid is not 1 to 64 of the characters A-Za-z0-9._-');
  if (typ !== undefined && (typeof typ !== 'string' || !TYPES.includes(typ.toLowerCase())))
    throw refused('typ is neither JWT nor at+jwt');
}
