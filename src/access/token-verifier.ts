/**
 * Access token in, principal out: JSON Web Tokens (RFC 7519) checked by the rules of RFC 8725, with keys from one
 * configured address. Used by the passport strategy; everything a client sees of a refusal is one sentence, the
 * precise reason is on `error.cause` for the server's log.
 */

import { hash } from 'node:crypto';
import { errors, type JWTPayload, jwtVerify } from 'jose';
import { hasDuplicateMembers } from '../platform/json.js';
import { isJsonObject, type JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { isUuid } from '../platform/uuid.js';
import { IssuerKeys } from './issuer-keys.js';
import { API_KEY_SUBJECT, type Principal, ROLES } from './principal.js';

const ALGORITHMS: readonly string[] = ['RS256', 'ES256', 'EdDSA'];
const TYPES: readonly string[] = ['jwt', 'at+jwt', 'application/at+jwt'];
/** Header members that point at keys, change how the token is read, or announce a token within the token. */
const FORBIDDEN_HEADERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'cty', 'zip', 'enc'] as const;
const MAX_TOKEN_LENGTH = 8192;
const SEGMENTS = /^([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)$/;
const KID = /^[A-Za-z0-9._-]{1,64}$/;
const MAX_SUBJECT_LENGTH = 255;
/** Control characters, lone surrogates, line and paragraph separators: none of them belongs in a log or an audit row. */
const UNSAFE_TEXT = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u;

const DEFAULT_TOLERANCE_SECONDS = 30;
const CACHE_ENTRIES = 10_000;
/** A token is checked anew this often, so that a key removed at the Auth Service stops being accepted. */
const CACHE_MS = 60_000;

const REFUSED = 'The access token is not valid.';
/** What the bearer of an expired token is told; its signature was good. */
export const EXPIRED = 'The token has expired: get a new one.';

const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface TokenVerifierOptions {
  /** Must equal `iss`. */
  readonly issuer: string;
  /** Must equal `aud`, or be one of its members. */
  readonly audience: string;
  readonly jwksUrl: string;
  /** Allowed difference between the clocks, for `exp`, `nbf` and `iat`. Default 30. */
  readonly clockToleranceSeconds?: number;
  /** Names of our two private claims, where the Auth Service calls them otherwise. Default `tenant_id` and `roles`. */
  readonly claims?: { readonly tenantId?: string; readonly roles?: string };
  readonly fetch?: typeof fetch;
  /** Told of every failed fetch of the keys: known keys go on working, so nobody else would notice. */
  readonly onKeyFetchFailure?: (reason: Error) => void;
}

interface Verified {
  readonly principal: Principal;
  /** Milliseconds since the epoch. */
  readonly until: number;
}

export class TokenVerifier {
  private readonly keys: IssuerKeys;
  private readonly tolerance: number;
  private readonly tenantClaim: string;
  private readonly rolesClaim: string;
  private readonly verified = new Map<string, Verified>();

  constructor(private readonly options: TokenVerifierOptions) {
    this.keys = new IssuerKeys({ url: options.jwksUrl, fetch: options.fetch, onFetchFailure: options.onKeyFetchFailure });
    this.tolerance = options.clockToleranceSeconds ?? DEFAULT_TOLERANCE_SECONDS;
    this.tenantClaim = options.claims?.tenantId ?? 'tenant_id';
    this.rolesClaim = options.claims?.roles ?? 'roles';
  }

  /**
   * The principal of a compact JWS. Unknown role names are dropped; a token left with none is a valid principal that
   * may do nothing (each operation answers 403). The result is frozen and shared between requests.
   * @throws Problem `auth/invalid-token` (401), the reason as `cause.message`
   * @throws Problem `auth/issuer-unavailable` (503, Retry-After) while there are no keys to check with
   */
  async verify(token: string): Promise<Principal> {
    if (token.length > MAX_TOKEN_LENGTH) throw refused('the token is longer than 8 KB');
    const fingerprint = hash('sha256', token, 'base64');
    const now = Date.now();
    const cached = this.verified.get(fingerprint);
    if (cached && cached.until > now) return cached.principal;

    const payloadText = checkShape(token);
    const claims = await this.checkSignatureAndClaims(token, now);
    // jose decoded these very bytes as UTF-8 and JSON, so this can only find what JSON.parse passes over in silence.
    if (hasDuplicateMembers(payloadText())) throw refused('the payload names a claim twice');
    const principal = this.principalOf(claims);
    this.remember(fingerprint, { principal, until: Math.min(Number(claims.exp) * 1000, now + CACHE_MS) }, now);
    return principal;
  }

  /** Fetches the keys if none are known yet: null when tokens can be checked, else why not, for readiness. */
  whyNotReady(): Promise<string | null> {
    return this.keys.whyNotReady();
  }

  private async checkSignatureAndClaims(token: string, now: number): Promise<JWTPayload> {
    let claims: JWTPayload;
    try {
      const result = await jwtVerify(token, (header) => this.keys.find(header), {
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
        error instanceof errors.JWTExpired ? EXPIRED : REFUSED,
      );
    }
    if (!Number.isFinite(claims.exp)) throw refused('"exp" is not a finite number');
    // RFC 7519 leaves iat to the application and jose only looks at its type; a token from the future is a forgery or a broken clock.
    if (claims.iat !== undefined && !(claims.iat <= now / 1000 + this.tolerance)) throw refused('"iat" is in the future');
    return claims;
  }

  private principalOf(claims: JWTPayload): Principal {
    const subject: unknown = claims.sub;
    if (typeof subject !== 'string' || subject === '' || subject.length > MAX_SUBJECT_LENGTH || UNSAFE_TEXT.test(subject)) {
      throw refused('"sub" is not a string of 1 to 255 characters without control characters');
    }
    if (subject.startsWith(API_KEY_SUBJECT)) throw refused('"sub" is that of an API key');
    const claimed: unknown = claims[this.rolesClaim];
    if (!Array.isArray(claimed) || !claimed.every((role) => typeof role === 'string')) {
      throw refused('the roles claim is not an array of strings');
    }
    const roles = Object.freeze(ROLES.filter((role) => claimed.includes(role)));
    if (roles.includes('system_admin')) {
      if (Object.hasOwn(claims, this.tenantClaim)) throw refused('a system admin token names a tenant');
      return Object.freeze({ subject, tenantId: null, roles });
    }
    const tenantId: unknown = claims[this.tenantClaim];
    if (typeof tenantId !== 'string' || !isUuid(tenantId)) throw refused('the tenant claim is not a UUID');
    return Object.freeze({ subject, tenantId: tenantId.toLowerCase(), roles });
  }

  /** Least recently verified goes first: an entry lives 60 s at most, so order of insertion is near enough to order of use. */
  private remember(fingerprint: string, entry: Verified, now: number): void {
    this.verified.delete(fingerprint);
    if (entry.until <= now) return;
    if (this.verified.size >= CACHE_ENTRIES) this.verified.delete(this.verified.keys().next().value!);
    this.verified.set(fingerprint, entry);
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

/** `WWW-Authenticate` as RFC 6750 §3.1 asks. */
function refused(reason: string, detail: string = REFUSED): Problem {
  const problem = new Problem('auth/invalid-token', detail, {}, { 'WWW-Authenticate': 'Bearer error="invalid_token"' });
  problem.cause = new Error(reason);
  return problem;
}
