import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { packageRoot } from '../platform/package-root.js';

export const SERVICE_VERSION: string = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')).version;

const ASSETS: ReadonlySet<string> = new Set(['/favicon-32x32.png', '/swagger-ui.css', '/swagger-ui-bundle.js']);

/** The control plane's own OpenAPI document, generated from the controllers, and the assets that render it. */
@Injectable()
export class PlatformOpenApi {
  private generated: OpenAPIObject | null = null;

  /** Called once, when the application's routes are known. */
  describe(app: NestFastifyApplication): void {
    const config = new DocumentBuilder()
      .setOpenAPIVersion('3.1.0')
      .setTitle('Business Store')
      .setDescription('The control plane. Each tenant has its own document at /api/v1/tenants/{tenantId}/openapi.json.')
      .setVersion(SERVICE_VERSION)
      .addBearerAuth()
      .build();
    this.generated = SwaggerModule.createDocument(app, config);
    app.useStaticAssets({
      root: dirname(require.resolve('swagger-ui-dist/package.json')),
      prefix: '/docs/assets/',
      index: false,
      allowedPath: (path) => ASSETS.has(path),
    });
  }

  get document(): OpenAPIObject {
    if (!this.generated) throw new Error('the application was not described yet');
    return this.generated;
  }
}
