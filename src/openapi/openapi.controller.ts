import { Controller, Get, Inject, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Access } from '../access/access.js';
import { EntityViews } from '../entities/entity-views.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentAccess, CurrentTenant } from '../http/parameters.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { DOCS_CONTENT_SECURITY_POLICY, docsPage, docsScript } from './docs-page.js';
import { PlatformOpenApi, SERVICE_VERSION } from './platform-openapi.js';
import { tenantOpenApi } from './tenant-openapi.js';
import { typesSource } from './types-source.js';

@ApiExcludeController()
@Controller()
export class OpenApiController {
  constructor(
    private readonly views: EntityViews,
    private readonly platform: PlatformOpenApi,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  @Get('api/v1/tenants/:tenantId/openapi.json')
  @Performs('openapi.read')
  async tenant(@CurrentTenant() tenant: Tenant, @CurrentAccess() access: Access) {
    const entities = [...(await this.views.of(tenant, access)).values()].map((defined) => defined.entity);
    return tenantOpenApi({ tenant, entities, access, serverUrl: this.settings.PUBLIC_URL ?? '/', version: SERVICE_VERSION });
  }

  /** No media type of TypeScript is registered; this one is next to `text/javascript` (RFC 9239) and is read as text by whatever does not know it. */
  @Get('api/v1/tenants/:tenantId/types.ts')
  @Performs('openapi.read')
  async types(
    @CurrentTenant() tenant: Tenant,
    @CurrentAccess() access: Access,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    reply.header('content-type', 'text/typescript; charset=utf-8');
    return typesSource([...(await this.views.of(tenant, access)).values()].map((defined) => defined.entity));
  }

  @Get('api/v1/openapi.json')
  @Performs('docs.read')
  document() {
    return this.platform.document;
  }

  @Get('docs')
  @Performs('docs.read')
  page(@Res({ passthrough: true }) reply: FastifyReply): string {
    reply.header('content-type', 'text/html; charset=utf-8').header('content-security-policy', DOCS_CONTENT_SECURITY_POLICY);
    return docsPage();
  }

  @Get('docs/docs.js')
  @Performs('docs.read')
  script(@Res({ passthrough: true }) reply: FastifyReply): string {
    reply.header('content-type', 'text/javascript; charset=utf-8');
    return docsScript();
  }
}
