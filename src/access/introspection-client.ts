/**
 * Asks the Auth Service about a token that only it can read (RFC 7662), as a client of its own. Whatever goes wrong here is no answer,
 * and never one that lets anybody in: few questions at a time, an end to waiting, and a pause once several have failed in a row.
 */

import { BrokenCircuitError, BulkheadRejectedError, bulkhead, ConsecutiveBreaker, circuitBreaker, handleWhen } from 'cockatiel';
import type { JsonObject } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { askIssuer, IssuerRefusal } from './ask-issuer.js';

const AT_ONCE = 16;
/** Questions that wait for one of these. With the timeout of each, nobody waits longer than 12 s. */
const WAITING = 48;
const FAILURES_IN_A_ROW = 5;
const PAUSE_MS = 10_000;

export interface IntrospectionOptions {
  /** Absolute URL of the endpoint, asked for before each question. Rejects while it is not known. */
  readonly url: () => Promise<string>;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly fetch?: typeof fetch;
}

export class IntrospectionClient {
  private readonly places = bulkhead(AT_ONCE, WAITING);
  private readonly breaker = circuitBreaker(handleWhen(isOutage), {
    breaker: new ConsecutiveBreaker(FAILURES_IN_A_ROW),
    halfOpenAfter: PAUSE_MS,
  });
  private readonly authorization: string;

  constructor(private readonly options: IntrospectionOptions) {
    // RFC 6749 §2.3.1: each half is form-encoded before they are joined.
    const pair = [options.clientId, options.clientSecret].map(formEncoded).join(':');
    this.authorization = `Basic ${Buffer.from(pair).toString('base64')}`;
  }

  /**
   * The answer as it came, its `active` a boolean, and nothing else checked.
   * @throws Problem `auth/issuer-unavailable` (503, Retry-After) for want of an answer, the reason as `cause`
   */
  async introspect(token: string): Promise<JsonObject> {
    try {
      return await this.places.execute(() => this.breaker.execute(() => this.ask(token)));
    } catch (error) {
      throw unavailable(error);
    }
  }

  private async ask(token: string): Promise<JsonObject> {
    const url = await this.options.url();
    const answer = await askIssuer(this.options.fetch ?? fetch, 'the introspection endpoint', url, {
      method: 'POST',
      headers: { authorization: this.authorization },
      body: new URLSearchParams({ token, token_type_hint: 'access_token' }),
    });
    if (typeof answer.active !== 'boolean')
      throw new Error('the introspection endpoint does not say whether the token is active');
    return answer;
  }
}

/** A 400 may be about this one token: whoever sends such tokens is not to keep out those who send others. */
function isOutage(error: unknown): boolean {
  return !(error instanceof IssuerRefusal && error.status === 400);
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

function unavailable(reason: unknown): Problem {
  const isPause = reason instanceof BrokenCircuitError;
  const problem = new Problem(
    'auth/issuer-unavailable',
    'The Auth Service cannot be asked about the token: try again shortly.',
    {},
    { 'Retry-After': String(isPause ? PAUSE_MS / 1000 : 1) },
  );
  problem.cause =
    reason instanceof BulkheadRejectedError ? new Error('too many questions to the Auth Service are waiting') : reason;
  return problem;
}
