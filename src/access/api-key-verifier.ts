import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { Problem } from '../platform/problem.js';
import { ApiKeyForm } from './api-key-form.js';
import { ApiKeyLookups, type StoredApiKey } from './api-key-lookups.js';
import { ApiKeyUses } from './api-key-uses.js';
import type { Principal } from './principal.js';

/** API key in, principal out. Every way in which a key is not good is refused with the same words; the server's log knows which it was. */
@Injectable()
export class ApiKeyVerifier {
  constructor(
    private readonly form: ApiKeyForm,
    private readonly lookups: ApiKeyLookups,
    private readonly uses: ApiKeyUses,
  ) {}

  /**
   * The principal of a key, frozen and shared between requests.
   * @throws Problem `auth/invalid-token` (401), the reason as `cause.message`; what the database raises when it cannot be asked
   */
  async verify(text: string): Promise<Principal> {
    const read = this.form.read(text);
    if (!read) throw refused('it is no API key of this installation');
    const key = await this.lookups.find(read.id);
    if (!key) throw refused('the API key is unknown or revoked');
    const now = Date.now();
    if (!isSecretOf(key, read.hash, now)) throw refused('the secret is not that of the API key, or no longer');
    const { expiresAt } = key.principal.apiKey ?? {};
    if (expiresAt && expiresAt.getTime() <= now) throw refused('the API key has expired');
    this.uses.note(key, now);
    return key.principal;
  }
}

function isSecretOf({ hash, former }: StoredApiKey, given: Buffer, now: number): boolean {
  if (timingSafeEqual(given, hash)) return true;
  return former !== null && former.until.getTime() > now && timingSafeEqual(given, former.hash);
}

function refused(reason: string): Problem {
  const problem = new Problem(
    'auth/invalid-token',
    'The API key is not valid.',
    {},
    { 'WWW-Authenticate': 'Bearer error="invalid_token"' },
  );
  problem.cause = new Error(reason);
  return problem;
}
