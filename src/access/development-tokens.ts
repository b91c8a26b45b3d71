import { hash, randomBytes, timingSafeEqual } from 'node:crypto';
import { join } from 'node:path';
import type { JsonObject, JsonValue } from '../platform/json-value.js';
import { claimsOf, type TokenRequest } from './development-issuer.js';
import { readOrCreate } from './secret-file.js';

/**
 * The opaque tokens of the development Auth Service, in the memory of the process that made them, and the two clients that it knows: one
 * may have tokens made, the other may ask what they stand for.
 */

const FILE_NAME = 'development-clients.json';
const LARGEST = 10_000;

export type DevelopmentClient = 'bss' | 'business-store';

export class DevelopmentTokens {
  /** What each token says, by its SHA-256. */
  private readonly claims = new Map<string, Record<string, JsonValue>>();

  constructor(private readonly secrets: Readonly<Record<DevelopmentClient, string>>) {}

  secretOf(client: DevelopmentClient): string {
    return this.secrets[client];
  }

  isSecretOf(client: DevelopmentClient, given: string): boolean {
    return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', this.secrets[client], 'buffer'));
  }

  /** @throws Error as `claimsOf` throws it */
  issue(request: TokenRequest): string {
    const claims = claimsOf(request);
    const token = randomBytes(32).toString('base64url');
    if (this.claims.size >= LARGEST) this.claims.delete(this.claims.keys().next().value as string);
    this.claims.set(hash('sha256', token, 'hex'), claims);
    return token;
  }

  /** As RFC 7662 §2.2 has it. */
  introspect(token: string): JsonObject {
    const claims = this.claims.get(hash('sha256', token, 'hex'));
    if (!claims || (claims.exp as number) * 1000 <= Date.now()) return { active: false };
    return { ...claims, active: true, token_type: 'Bearer', client_id: 'bss' };
  }
}

/** The secrets of a data directory's clients, made by whoever asks first. */
export function developmentSecrets(dataDir: string): Promise<Record<DevelopmentClient, string>> {
  const secret = () => randomBytes(32).toString('base64url');
  return readOrCreate(join(dataDir, FILE_NAME), async () => ({ bss: secret(), 'business-store': secret() }));
}
