import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AuthServiceKeysOptions } from '../keys/providers/auth-service-keys.js';
import { DevelopmentKeyService } from '../keys/providers/development-key-service.js';
import { LocalKeyring } from '../keys/providers/local-keyring.js';
import type { AuthServiceOptions } from './auth-service.js';
import { startDevelopmentAuthServer } from './development-auth-server.js';
import { openDevelopmentIssuer, type TokenRequest } from './development-issuer.js';
import { DevelopmentTokens, developmentSecrets } from './development-tokens.js';

/** The Auth Service of embedded mode as a whole: what it tells the service in place of settings, and where the command line finds it. */

const ADDRESS_FILE = 'development-auth-server.json';
const KEYRING_FILE = 'development-keyring.jsonl';

export interface DevelopmentAuthService {
  /** In place of settings. */
  options(audience: string): AuthServiceOptions;
  /** Likewise, for its key interface. */
  keys(): AuthServiceKeysOptions;
  stop(): Promise<void>;
}

/** One at a time for each data directory. */
export async function startDevelopmentAuthService(dataDir: string): Promise<DevelopmentAuthService> {
  const issuer = await openDevelopmentIssuer(dataDir);
  const tokens = new DevelopmentTokens(await developmentSecrets(dataDir));
  const keyring = new LocalKeyring(join(dataDir, KEYRING_FILE));
  const server = await startDevelopmentAuthServer(issuer, tokens, new DevelopmentKeyService(keyring));
  const file = join(dataDir, ADDRESS_FILE);
  await writeFile(file, `${JSON.stringify({ tokenUrl: server.tokenUrl })}\n`, { mode: 0o600 });
  return {
    options: (audience) => ({
      ...{ issuer: issuer.issuer, audience },
      // Its name is no address.
      metadataUrl: server.metadataUrl,
      client: { id: 'business-store', secret: tokens.secretOf('business-store') },
    }),
    keys: () => ({
      url: server.keysUrl,
      clientId: 'business-store',
      clientSecret: tokens.secretOf('business-store'),
    }),
    stop: async () => {
      await rm(file, { force: true });
      await server.stop();
    },
  };
}

/** An opaque token of the service that runs on a data directory. @throws Error when none runs there, or it refuses */
export async function requestOpaqueToken(dataDir: string, request: TokenRequest): Promise<string> {
  const absent = new Error(`no service runs on ${dataDir}: opaque tokens are kept by the process of npm start`);
  const { tokenUrl } = await readFile(join(dataDir, ADDRESS_FILE), 'utf8').then(JSON.parse, () => {
    throw absent;
  });
  const { bss } = await developmentSecrets(dataDir);
  const response = await fetch(tokenUrl, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`bss:${bss}`).toString('base64')}` },
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      subject: request.subject,
      ...(request.tenantId !== undefined && { tenant_id: request.tenantId }),
      roles: request.roles.join(' '),
      expires_in: String(request.expiresInSeconds ?? 3600),
      claims: JSON.stringify(request.claims ?? {}),
    }),
  }).catch(() => {
    throw absent;
  });
  const answer = (await response.json()) as { access_token?: string; error?: string; error_description?: string };
  if (answer.access_token === undefined) throw new Error(answer.error_description ?? `the token was refused: ${answer.error}`);
  return answer.access_token;
}
