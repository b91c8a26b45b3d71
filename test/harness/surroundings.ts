import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startDevelopmentAuthServer } from '../../src/access/development-auth-server.js';
import { type DevelopmentIssuer, openDevelopmentIssuer } from '../../src/access/development-issuer.js';
import { createTestDatabase, type TestDatabase } from './database.js';

/** What a service finds around it: a database of its own and an Auth Service, as settings. For services in this process and in others. */
export interface Surroundings {
  readonly database: TestDatabase;
  readonly issuer: DevelopmentIssuer;
  /** Every setting a service needs to start on a free port. */
  readonly environment: Readonly<Record<string, string>>;
  token(roles: readonly string[], tenantId?: string): Promise<string>;
  /** Call it when no service uses them any more. */
  stop(): Promise<void>;
}

export async function createSurroundings(): Promise<Surroundings> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'business-store-test-issuer-'));
  const issuer = await openDevelopmentIssuer(folder);
  const auth = await startDevelopmentAuthServer(issuer);
  return {
    database,
    issuer,
    environment: {
      NODE_ENV: 'test',
      PORT: '0',
      HOST: '127.0.0.1',
      DATABASE_URL: database.runtimeUrl,
      DATABASE_CONTROL_URL: database.controlUrl,
      DATABASE_POOL_SIZE: '4',
      CONTEXT_KEYS: `${database.contextKey.kid}:${database.contextKey.secret.toString('base64')}`,
      API_KEY_ENVIRONMENT: 'test',
      API_KEY_PEPPER: Buffer.alloc(32, 9).toString('base64'),
      WEBHOOK_KEY: Buffer.alloc(32, 8).toString('base64'),
      AUTH_ISSUER: issuer.issuer,
      AUTH_JWKS_URL: auth.jwksUrl,
      KEY_PROVIDER: 'local',
      KEYRING_FILE: join(folder, 'keyring.jsonl'),
      AUDIT_SINK: 'none',
      DRAIN_MS: '0',
    },
    token: (roles, tenantId) => issuer.sign({ subject: `${roles[0]}@test`, roles, tenantId }),
    stop: async () => {
      await auth.stop();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
