import type { AddressInfo } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { ApiKeyForm } from './access/api-key-form.js';
import { ApiKeyLookups } from './access/api-key-lookups.js';
import { type AuthServiceOptions, authServiceOf } from './access/auth-service.js';
import { startDevelopmentAuthService } from './access/development-auth-service.js';
import { AppModule } from './app.module.js';
import { AuditChain } from './audit/audit-chain.js';
import { auditSinks } from './audit/audit-sinks.js';
import { Publishing } from './audit/publishing.js';
import { checkDatabase } from './database/boot-checks.js';
import { type ContextKeys, ControlPlane } from './database/control-plane.js';
import { startEmbeddedDeployment } from './database/embedded/embedded-deployment.js';
import { RuntimePool } from './database/runtime-pool.js';
import { WakeUp } from './database/wake-up.js';
import { EntityVersionRow, TenantSchemaRow } from './entities/entity.rows.js';
import { EntityRegistry } from './entities/entity-registry.js';
import { RedactionKeys } from './entities/redaction-keys.js';
import { createApp } from './http/create-app.js';
import { IntegrityLog } from './keys/integrity-log.js';
import { logKeyFault } from './keys/log-key-fault.js';
import { openKeyProviders } from './keys/open-key-providers.js';
import type { AuthServiceKeysOptions } from './keys/providers/auth-service-keys.js';
import { TenantKeys } from './keys/tenant-keys.js';
import { PackLibrary } from './library/pack-library.js';
import { PlatformOpenApi } from './openapi/platform-openapi.js';
import { Fingerprints } from './platform/fingerprints.js';
import type { Logger } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { Periodic } from './platform/periodic.js';
import { parseContextKeys, type Settings } from './platform/settings.js';
import { CursorSeal } from './records/cursor-seal.js';
import { TenantRow } from './tenants/tenant.row.js';
import { TenantDirectory } from './tenants/tenant-directory.js';
import { TurnStore } from './webhooks/turn-store.js';
import { WebhookSecrets } from './webhooks/webhook-secrets.js';

/** Opens everything a service process needs, in order, and closes it in reverse. Used by main, the tests and the bench. */

export interface RunningService {
  /** Such as `http://127.0.0.1:3000`. */
  readonly url: string;
  readonly controlPlane: ControlPlane;
  readonly directory: TenantDirectory;
  readonly pool: RuntimePool;
  /** Finishes what is in flight, then closes. */
  stop(): Promise<void>;
}

/** What settings give in production and the embedded deployment gives in development. */
interface Surroundings {
  readonly runtimeUrl: string;
  readonly controlUrl: string;
  readonly contextKeys: ContextKeys;
  /** 32 bytes; null: there are no API keys. */
  readonly apiKeyPepper: Buffer | null;
  /** 32 bytes each, the one to encrypt with first; none: there are no webhooks. */
  readonly webhookKeys: readonly Buffer[];
  readonly auth: AuthServiceOptions;
  /** The key interface of the development Auth Service; null: there is none. */
  readonly developmentKeys: AuthServiceKeysOptions | null;
}

/** How often keys are let go of whose time is over. */
const TIDY_MS = 10_000;

type Closer = () => Promise<void>;

/** How long after the drain requests in flight may still take: with the default drain, everything ends within 10 s. */
const STRAGGLERS_MS = 6_500;

export async function startService(settings: Settings, logger: Logger): Promise<RunningService> {
  const closers: Closer[] = [];
  try {
    return await open(settings, logger, closers);
  } catch (error) {
    await closeAll(closers, logger);
    throw error;
  }
}

async function open(settings: Settings, logger: Logger, closers: Closer[]): Promise<RunningService> {
  const { runtimeUrl, controlUrl, contextKeys, apiKeyPepper, webhookKeys, auth, developmentKeys } = await surroundings(
    settings,
    logger,
    closers,
  );
  const onError = (error: unknown): void => logger.warn({ err: error }, 'a background task failed and will be tried again');

  const report = await checkDatabase({ runtimeUrl, controlUrl }, settings.NODE_ENV === 'test');
  for (const warning of report.warnings) logger.warn(warning);
  if (settings.DATABASE_ADMIN_URL)
    logger.warn('DATABASE_ADMIN_URL is set: only `bss migrate` needs it; take it away from the service');
  if (report.refusals.length > 0)
    throw new Error(`the database is not safe to use:\n${report.refusals.map((line) => `  - ${line}`).join('\n')}`);

  const controlPlane = new ControlPlane({
    url: controlUrl,
    contextKeys,
    entities: [TenantRow, TenantSchemaRow, EntityVersionRow],
  });
  closers.push(() => controlPlane.close());
  const migrations = await controlPlane.open();
  if (migrations.length > 0) logger.info({ migrations }, 'migrations were run');

  // A connection of its own: definitions that take minutes may hold all others, and applications are let in all the same.
  const keyPlane = new ControlPlane({ url: controlUrl, contextKeys, entities: [], poolSize: 2 });
  closers.push(() => keyPlane.close());
  await keyPlane.connect();

  // Of its own too: neither definitions nor webhooks wait for the other.
  const webhookPlane = new ControlPlane({ url: controlUrl, contextKeys, entities: [], poolSize: 4 });
  closers.push(() => webhookPlane.close());
  if (webhookKeys.length > 0) await webhookPlane.connect();

  const pool = new RuntimePool({
    url: runtimeUrl,
    size: settings.DATABASE_POOL_SIZE,
    statementTimeoutMs: settings.STATEMENT_TIMEOUT_MS,
    tenantShare: settings.TENANT_POOL_SHARE,
    tenantQueue: settings.TENANT_QUEUE,
    contextKey: contextKeys[0],
    onError,
  });
  closers.push(() => pool.end());

  const wakeUp = new WakeUp(controlUrl, onError);
  const directory = new TenantDirectory(controlPlane, wakeUp, onError);
  const registry = new EntityRegistry(pool, directory);
  // First the closer: an attempt that fails tries again until it is stopped.
  closers.push(() => wakeUp.stop());
  await wakeUp.start();

  const metrics = new Metrics(pool);
  const keyProviders = await openKeyProviders(settings, developmentKeys, (name, outcome) =>
    metrics.countKeyRequest(name, outcome),
  );
  closers.push(() => keyProviders.close());
  for (const name of keyProviders.names) metrics.expectKeyProvider(name);
  const integrityLog = new IntegrityLog(pool, metrics, logger);
  const tenantKeys = new TenantKeys({
    controlPlane: keyPlane,
    providers: keyProviders,
    lifetimeMs: settings.KEY_CACHE_SECONDS * 1_000,
    onFault: (fault, tenantId) => logKeyFault(logger, fault, tenantId),
    onBroken: (place, owner, by) => integrityLog.record(place, owner, by),
  });
  directory.onChange((tenantId) => tenantKeys.forget(tenantId));
  const tidying = new Periodic(TIDY_MS, async () => tenantKeys.tidy(), onError);
  closers.push(() => tidying.stop());
  tidying.start();

  const { tokens, opaqueTokens } = authServiceOf(auth, onError);
  const auditChain = await AuditChain.open({ settings, controlUrl, contextKeys, logger, metrics: metrics.registry, onError });
  closers.push(() => auditChain.stop());
  const sinks = auditSinks(settings, logger);
  const publishing = new Publishing({ controlUrl, contextKeys, sinks, settings, logger, registry: metrics.registry });
  closers.push(() => publishing.stop());
  await publishing.start();
  // Not before: its retention waits for the places that are in use, and after a week's rest none would be.
  auditChain.start();

  let draining = false;
  const readiness = async () => [
    { name: 'database', reason: await pool.whyNotReady() },
    { name: 'auth', reason: await tokens.whyNotReady() },
    { name: 'process', reason: draining ? 'the service is shutting down' : null },
  ];
  const foundations = {
    settings,
    logger,
    pool,
    controlPlane,
    auditChain,
    directory,
    registry,
    packs: PackLibrary.read(settings.PACKS_DIR),
    tokens,
    opaqueTokens,
    metrics,
    readiness,
    cursorSeal: new CursorSeal(contextKeys),
    fingerprints: new Fingerprints(apiKeyPepper ? [apiKeyPepper] : contextKeys.map(({ secret }) => secret)),
    // The pepper stays as it is, while context keys are changed.
    redactionKeys: new RedactionKeys(apiKeyPepper ?? contextKeys[0].secret),
    keyProviders,
    tenantKeys,
    apiKeyLookups: new ApiKeyLookups(keyPlane),
    webhookSecrets: new WebhookSecrets(webhookKeys),
    webhookTurns: new TurnStore(webhookPlane),
    apiKeyForm: new ApiKeyForm(settings.API_KEY_ENVIRONMENT, apiKeyPepper),
  };
  const app = await createApp(AppModule.of(foundations), foundations, () => draining);
  closers.push(() => app.close());
  app.get(PlatformOpenApi).describe(app);
  await app.listen(settings.PORT, settings.HOST || (settings.DATABASE_URL ? '0.0.0.0' : '127.0.0.1')).catch((error) => {
    if (error.code !== 'EADDRINUSE') throw error;
    throw new Error(`port ${settings.PORT} is taken. Stop what uses it, or choose another with PORT.`, { cause: error });
  });
  const { address, port } = app.getHttpServer().address() as AddressInfo;

  let stopping: Promise<void> | null = null;
  const stop = async (): Promise<void> => {
    // Still answering, each answer with `Connection: close`, so that clients move on before the listener goes.
    draining = true;
    await wait(settings.DRAIN_MS);
    // A client that never ends its request would keep the process for as long as it likes.
    const impatience = setTimeout(() => app.getHttpServer().closeAllConnections(), STRAGGLERS_MS);
    await closeAll(closers, logger);
    clearTimeout(impatience);
  };
  return {
    url: `http://${address.includes(':') ? 'localhost' : address.replace('0.0.0.0', 'localhost')}:${port}`,
    controlPlane,
    directory,
    pool,
    stop: () => (stopping ??= stop()),
  };
}

async function surroundings(settings: Settings, logger: Logger, closers: Closer[]): Promise<Surroundings> {
  const database = await databaseOf(settings, logger, closers);
  if (settings.AUTH_ISSUER) return { ...database, auth: authOf(settings, settings.AUTH_ISSUER), developmentKeys: null };
  const service = await startDevelopmentAuthService(settings.DATA_DIR);
  closers.push(() => service.stop());
  return { ...database, auth: service.options(settings.AUTH_AUDIENCE), developmentKeys: service.keys() };
}

function authOf(settings: Settings, issuer: string): AuthServiceOptions {
  const { AUTH_AUDIENCE: audience, AUTH_JWKS_URL: jwksUrl, AUTH_CLIENT_ID: id, AUTH_CLIENT_SECRET: secret } = settings;
  const client = id && secret ? { id, secret, introspectionUrl: settings.AUTH_INTROSPECTION_URL } : undefined;
  return { issuer, audience, jwksUrl, client };
}

async function databaseOf(
  settings: Settings,
  logger: Logger,
  closers: Closer[],
): Promise<Omit<Surroundings, 'auth' | 'developmentKeys'>> {
  const { DATABASE_URL, DATABASE_CONTROL_URL, CONTEXT_KEYS, API_KEY_PEPPER, WEBHOOK_KEY } = settings;
  const pepper = API_KEY_PEPPER === undefined ? null : Buffer.from(API_KEY_PEPPER, 'base64');
  const webhookKeys = (WEBHOOK_KEY?.split(',') ?? []).map((key) => Buffer.from(key, 'base64'));
  if (DATABASE_URL && DATABASE_CONTROL_URL && CONTEXT_KEYS) {
    return {
      runtimeUrl: DATABASE_URL,
      controlUrl: DATABASE_CONTROL_URL,
      contextKeys: parseContextKeys(CONTEXT_KEYS),
      apiKeyPepper: pepper,
      webhookKeys,
    };
  }
  const deployment = await startEmbeddedDeployment(settings.DATA_DIR, (line) => logger.info(line));
  closers.push(() => deployment.stop());
  return { ...deployment, apiKeyPepper: pepper ?? deployment.apiKeyPepper, webhookKeys: [...webhookKeys, deployment.webhookKey] };
}

async function closeAll(closers: Closer[], logger: Logger): Promise<void> {
  for (const close of closers.splice(0).reverse()) {
    await close().catch((error: unknown) => logger.error({ err: error }, 'closing failed'));
  }
}
