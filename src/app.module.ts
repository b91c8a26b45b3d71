import { type DynamicModule, Global, Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, DiscoveryModule } from '@nestjs/core';
import { ApiKeyForm } from './access/api-key-form.js';
import { ApiKeyLookups } from './access/api-key-lookups.js';
import { ApiKeyUses } from './access/api-key-uses.js';
import { ApiKeyVerifier } from './access/api-key-verifier.js';
import { Authenticator } from './access/authenticator.js';
import { GrantsInForce } from './access/grants-in-force.js';
import { JwtStrategy } from './access/jwt.strategy.js';
import { OpaqueTokens } from './access/opaque-tokens.js';
import { TokenVerifier } from './access/token-verifier.js';
import { AuditChain } from './audit/audit-chain.js';
import { ControlModule } from './control/control.module.js';
import { CrossingModule } from './crossing/crossing.module.js';
import { ControlPlane } from './database/control-plane.js';
import { RuntimePool } from './database/runtime-pool.js';
import { EncryptionModule } from './encryption/encryption.module.js';
import { EntitiesModule } from './entities/entities.module.js';
import { EntityRegistry } from './entities/entity-registry.js';
import { EntityViews } from './entities/entity-views.js';
import { RedactionKeys } from './entities/redaction-keys.js';
import { AccessGuard } from './http/access.guard.js';
import { DenialLog } from './http/denial-log.js';
import { IdempotencySweep } from './http/idempotency-sweep.js';
import { IdempotentRequests } from './http/idempotent-requests.js';
import { ProblemFilter } from './http/problem.filter.js';
import { RateLimits } from './http/rate-limits.js';
import { RequestDays } from './http/request-days.js';
import { RowQuotas } from './http/row-quotas.js';
import { TenantCrossing } from './http/tenant-crossing.js';
import { TenantTransactions } from './http/tenant-transactions.js';
import { ImportsModule } from './imports/imports.module.js';
import { KeyProviders } from './keys/key-providers.js';
import { TenantKeys } from './keys/tenant-keys.js';
import { PackLibrary } from './library/pack-library.js';
import { OpenApiModule } from './openapi/openapi.module.js';
import { PastModule } from './past/past.module.js';
import { Fingerprints } from './platform/fingerprints.js';
import { LOGGER, type Logger } from './platform/log.js';
import { Metrics } from './platform/metrics.js';
import { READINESS, type Readiness } from './platform/readiness.js';
import { SETTINGS, type Settings } from './platform/settings.js';
import { CursorSeal } from './records/cursor-seal.js';
import { RecordsModule } from './records/records.module.js';
import { TenantDirectory } from './tenants/tenant-directory.js';
import { TenantsService } from './tenants/tenants.service.js';
import { TurnStore } from './webhooks/turn-store.js';
import { WebhookSecrets } from './webhooks/webhook-secrets.js';
import { WebhooksModule } from './webhooks/webhooks.module.js';

/** What a process has opened before Nest composes the rooms around it. */
export interface Foundations {
  readonly settings: Settings;
  readonly logger: Logger;
  readonly pool: RuntimePool;
  readonly controlPlane: ControlPlane;
  readonly auditChain: AuditChain;
  readonly directory: TenantDirectory;
  readonly registry: EntityRegistry;
  readonly packs: PackLibrary;
  readonly tokens: TokenVerifier;
  readonly opaqueTokens: OpaqueTokens;
  readonly metrics: Metrics;
  readonly cursorSeal: CursorSeal;
  readonly fingerprints: Fingerprints;
  readonly redactionKeys: RedactionKeys;
  readonly keyProviders: KeyProviders;
  readonly tenantKeys: TenantKeys;
  readonly apiKeyForm: ApiKeyForm;
  readonly apiKeyLookups: ApiKeyLookups;
  readonly webhookSecrets: WebhookSecrets;
  readonly webhookTurns: TurnStore;
  readonly readiness: Readiness;
}

@Global()
@Module({})
class FoundationsModule {
  static of(foundations: Foundations): DynamicModule {
    const { settings, logger, pool, controlPlane, directory, registry, packs, tokens, metrics, readiness } = foundations;
    const providers = [
      { provide: SETTINGS, useValue: settings },
      { provide: LOGGER, useValue: logger },
      { provide: READINESS, useValue: readiness },
      { provide: RuntimePool, useValue: pool },
      { provide: ControlPlane, useValue: controlPlane },
      { provide: AuditChain, useValue: foundations.auditChain },
      { provide: TenantDirectory, useValue: directory },
      { provide: EntityRegistry, useValue: registry },
      { provide: PackLibrary, useValue: packs },
      { provide: TokenVerifier, useValue: tokens },
      { provide: OpaqueTokens, useValue: foundations.opaqueTokens },
      { provide: Metrics, useValue: metrics },
      { provide: CursorSeal, useValue: foundations.cursorSeal },
      { provide: Fingerprints, useValue: foundations.fingerprints },
      { provide: RedactionKeys, useValue: foundations.redactionKeys },
      { provide: KeyProviders, useValue: foundations.keyProviders },
      { provide: TenantKeys, useValue: foundations.tenantKeys },
      { provide: ApiKeyForm, useValue: foundations.apiKeyForm },
      { provide: TenantsService, useFactory: () => new TenantsService(controlPlane, directory) },
      { provide: ApiKeyLookups, useValue: foundations.apiKeyLookups },
      EntityViews,
      GrantsInForce,
      TenantCrossing,
      { provide: WebhookSecrets, useValue: foundations.webhookSecrets },
      { provide: TurnStore, useValue: foundations.webhookTurns },
      ApiKeyUses,
      ApiKeyVerifier,
      JwtStrategy,
      Authenticator,
      RequestDays,
      RowQuotas,
      RateLimits,
      DenialLog,
      IdempotentRequests,
      TenantTransactions,
      IdempotencySweep,
    ];
    return { module: FoundationsModule, providers, exports: providers };
  }
}

/** The only place where rooms are put together. */
@Module({})
export class AppModule {
  static of(foundations: Foundations): DynamicModule {
    return {
      module: AppModule,
      imports: [
        FoundationsModule.of(foundations),
        DiscoveryModule,
        ControlModule,
        CrossingModule,
        EntitiesModule,
        EncryptionModule,
        RecordsModule,
        ImportsModule,
        PastModule,
        WebhooksModule,
        OpenApiModule,
      ],
      providers: [
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_FILTER, useClass: ProblemFilter },
      ],
    };
  }
}
