/**
 * Access tokens that are just a name to us: the Auth Service is asked what they stand for, once for all who send the same one, and its
 * answer counts for seconds. Where the service is no client of the Auth Service, there are none.
 */

import { hash } from 'node:crypto';
import { Problem } from '../platform/problem.js';
import { type ClaimNames, claimedPrincipal } from './claimed-principal.js';
import { checkIntrospected, type IntrospectionRules } from './introspected-claims.js';
import type { IntrospectionClient } from './introspection-client.js';
import type { Principal } from './principal.js';
import { refusedToken } from './refused-token.js';
import { Remembered } from './remembered.js';

/** A token that is revoked at the Auth Service is refused after this. */
const ACCEPTED_MS = 30_000;
/** One that was refused is asked about again after this. */
const REFUSED_MS = 10_000;
const LARGEST = 10_000;
const LONGEST = 8_192;
/** RFC 6750 §2.1. */
const CHARACTERS = /^[A-Za-z0-9._~+/-]+=*$/;
/** As JSON Web Tokens have them: those are read here, and never sent anywhere. */
const THREE_PARTS = /^[^.]*\.[^.]*\.[^.]*$/;

interface Refusal {
  readonly reason: string;
  readonly detail: string;
}

export class OpaqueTokens {
  /** By SHA-256 of the token: a dump of the memory gives none away. */
  private readonly accepted = new Remembered<Principal>(LARGEST);
  private readonly refused = new Remembered<Refusal>(LARGEST);
  private readonly asked = new Map<string, Promise<Principal>>();

  /** @param client null: there are no such tokens here */
  constructor(
    private readonly client: Pick<IntrospectionClient, 'introspect'> | null,
    private readonly rules: IntrospectionRules,
    private readonly names: ClaimNames,
  ) {}

  /** Whether it is for the Auth Service to say what this is. */
  takes(token: string): boolean {
    return this.client !== null && !THREE_PARTS.test(token);
  }

  /** Whether nothing is known of it, so that `verify` would put another question. */
  isUnknown(token: string): boolean {
    if (!isWellFormed(token)) return false;
    const name = nameOf(token);
    return !this.accepted.get(name) && !this.refused.get(name) && !this.asked.has(name);
  }

  /**
   * The principal of a token, frozen and shared between requests.
   * @throws Problem `auth/invalid-token` (401), the reason as `cause.message`
   * @throws Problem `auth/issuer-unavailable` (503, Retry-After) when the Auth Service does not say
   */
  async verify(token: string): Promise<Principal> {
    if (!isWellFormed(token)) throw refusedToken('it is no token that a header could hold (RFC 6750)');
    const name = nameOf(token);
    const known = this.accepted.get(name);
    if (known) return known;
    const refusal = this.refused.get(name);
    if (refusal) throw refusedToken(refusal.reason, refusal.detail);
    let answer = this.asked.get(name);
    if (!answer) {
      answer = this.ask(token, name).finally(() => this.asked.delete(name));
      this.asked.set(name, answer);
    }
    return answer;
  }

  private async ask(token: string, name: string): Promise<Principal> {
    if (!this.client) throw refusedToken('nobody can be asked about the token');
    // Counted from the question: what is revoked while it is answered is no longer accepted than that.
    const now = Date.now();
    const answer = await this.client.introspect(token);
    try {
      const expiry = checkIntrospected(answer, this.rules, now);
      const principal = claimedPrincipal(answer, this.names);
      this.accepted.set(name, principal, Math.min(expiry, now + ACCEPTED_MS));
      return principal;
    } catch (error) {
      if (error instanceof Problem) {
        this.refused.set(name, { reason: (error.cause as Error).message, detail: error.detail }, Date.now() + REFUSED_MS);
      }
      throw error;
    }
  }
}

function isWellFormed(token: string): boolean {
  return token.length <= LONGEST && CHARACTERS.test(token);
}

function nameOf(token: string): string {
  return hash('sha256', token, 'base64');
}
