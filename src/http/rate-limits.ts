import { isIPv6 } from 'node:net';
import { Inject, Injectable } from '@nestjs/common';
import { API_KEY_PREFIX } from '../access/api-key-form.js';
import { Authenticator } from '../access/authenticator.js';
import { bearerToken } from '../access/jwt.strategy.js';
import type { Principal } from '../access/principal.js';
import { EXPIRED } from '../access/refused-token.js';
import { type AuthFailure, Metrics } from '../platform/metrics.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { type Allowance, TokenBuckets } from '../platform/token-buckets.js';
import type { ServiceRequest } from './request.js';
import { RequestDays } from './request-days.js';

const SECONDS_OF_A_DAY = 86_400;

/**
 * Who is asking, and do they ask too often? Each tenant has a bucket of requests and each client address one of refused tokens, in the
 * memory of this instance, and each tenant a quota of the day at all instances. Whoever holds a valid token that can be read here, or
 * that is known, is never kept out because of strangers behind the same address: what guesses beyond the limit get to know is nothing.
 * A token that the Auth Service has to be asked about is: else guesses would have it asked until it answers nobody any more.
 */
@Injectable()
export class RateLimits {
  private readonly tenants: TokenBuckets | null;
  private readonly strangers: TokenBuckets | null;
  /** `RateLimit-Policy` of tenants, the same for all. */
  private readonly policy: string;

  constructor(
    private readonly authenticator: Authenticator,
    private readonly days: RequestDays,
    private readonly metrics: Metrics,
    @Inject(SETTINGS) settings: Settings,
  ) {
    const { RATE_LIMIT_PER_SECOND: rate, RATE_LIMIT_BURST_SECONDS: seconds, AUTH_FAILURES_PER_MINUTE: failures } = settings;
    const { REQUESTS_PER_DAY: perDay } = settings;
    const burst = rate * seconds;
    this.tenants = rate > 0 ? new TokenBuckets({ burst, seconds }) : null;
    this.strangers = failures > 0 ? new TokenBuckets({ burst: failures, seconds: 60 }) : null;
    this.policy = [
      ...(rate > 0 ? [`"default";q=${burst};w=${seconds}`] : []),
      ...(perDay > 0 ? [`"day";q=${perDay};w=${SECONDS_OF_A_DAY}`] : []),
    ].join(', ');
  }

  /**
   * The principal of the request, whose tenant it costs one of its requests.
   * @throws Problem as `Authenticator.authenticate` raises it
   * @throws Problem `request/rate-limited` (429, Retry-After) beyond the limit of the tenant, or of refused tokens
   * @throws Problem `request/quota-exceeded` (429, Retry-After) beyond the tenant's requests of the day
   */
  async authenticate(request: ServiceRequest): Promise<Principal> {
    let principal: Principal;
    try {
      this.refuseToAsk(request);
      principal = await this.authenticator.authenticate(request);
    } catch (error) {
      this.metrics.countAuthFailure(failureOf(request, error));
      if (error instanceof Problem && error.code === 'auth/invalid-token') this.countRefusal(request.ip, error);
      throw error;
    }
    if (principal.tenantId !== null) this.charge(request, principal.tenantId);
    return principal;
  }

  /** What is too fast costs nothing of the day. */
  private charge(request: ServiceRequest, tenantId: string): void {
    const recent = this.tenants?.take(tenantId) ?? null;
    if (recent) request.rateLimitFields = this.fieldsOf({ default: recent });
    if (recent?.granted === false) throw limited('The tenant sends more requests than it may. Send them more slowly.', recent);
    const today = this.days.take(tenantId);
    if (!today) return;
    request.rateLimitFields = this.fieldsOf({ ...(recent && { default: recent }), day: today });
    if (today.granted) return;
    throw new Problem(
      'request/quota-exceeded',
      'The tenant has sent as many requests as it may in one day. The next day begins at midnight UTC.',
      {},
      { 'Retry-After': String(today.nextIn) },
    );
  }

  /** As draft-ietf-httpapi-ratelimit-headers has them. */
  private fieldsOf(allowances: Readonly<Record<string, Allowance>>): Record<string, string> {
    const items = Object.entries(allowances).map(([name, { remaining, fullIn }]) => `"${name}";r=${remaining};t=${fullIn}`);
    return { 'RateLimit-Policy': this.policy, RateLimit: items.join(', ') };
  }

  /** @throws Problem `request/rate-limited` for another token to ask about, where too many were refused */
  private refuseToAsk(request: ServiceRequest): void {
    const allowance = this.strangers?.look(networkOf(request.ip));
    if (allowance?.granted === false && this.authenticator.hasToAsk(request)) throw tooManyRefused(allowance);
  }

  /** A token that was valid once is nobody's guess. */
  private countRefusal(address: string, refusal: Problem): void {
    if (!this.strangers || refusal.detail === EXPIRED) return;
    const allowance = this.strangers.take(networkOf(address));
    if (!allowance.granted) throw tooManyRefused(allowance);
  }
}

function failureOf(request: ServiceRequest, error: unknown): AuthFailure {
  if (!(error instanceof Problem)) return 'unavailable';
  if (error.code === 'auth/missing-credentials') return 'missing';
  if (error.code === 'request/invalid-header') return 'ambiguous';
  // Nobody was asked, since those before it were invalid: the Auth Service is well.
  if (error.code === 'request/rate-limited') return 'invalid_token';
  if (error.code !== 'auth/invalid-token') return 'unavailable';
  if (error.detail === EXPIRED) return 'expired_token';
  const isKey = request.headers['x-api-key'] !== undefined || bearerToken(request)?.startsWith(API_KEY_PREFIX);
  return isKey ? 'invalid_api_key' : 'invalid_token';
}

function tooManyRefused(allowance: Allowance): Problem {
  return limited('Too many tokens from this address were refused. Get a valid one.', allowance);
}

function limited(detail: string, { nextIn }: Allowance): Problem {
  return new Problem('request/rate-limited', detail, {}, { 'Retry-After': String(Math.max(1, nextIn)) });
}

/** One client of IPv6 has a whole /64 to choose its addresses from (RFC 4291 §2.5.4); IPv4 in IPv6 is itself. */
export function networkOf(address: string): string {
  if (!isIPv6(address) || /^::ffff:[0-9.]+$/i.test(address)) return address.replace(/^::ffff:/i, '');
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
    while (groups.length + after < 8) groups.push('0');
  }
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}
