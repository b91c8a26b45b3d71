import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { JsonObject } from '../platform/json-value.js';
import { packageRoot } from '../platform/package-root.js';
import { LIMIT_HEADERS, withLimits } from './limit-headers.js';
import { PROBLEM_RESPONSES, PROBLEM_SCHEMAS, problemResponses } from './problem-responses.js';

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
      .addBearerAuth({
        type: 'http',
        scheme: 'bearer',
        description: 'An access token of the Auth Service, or an API key of a tenant.',
      })
      .build();
    this.generated = withLimitsOfTenants(SwaggerModule.createDocument(app, config));
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

/** What belongs to a tenant counts against its limits; the rest has none. */
function withLimitsOfTenants(document: OpenAPIObject): OpenAPIObject {
  const ofTenants = Object.entries(document.paths as unknown as Record<string, JsonObject>).filter(([path]) =>
    path.startsWith('/api/v1/tenants/{tenantId}/'),
  );
  const refused = ofTenants.map(([path, methods]): [string, JsonObject] => [path, withRefusal(methods)]);
  const components = document.components as unknown as { readonly schemas?: JsonObject };
  return {
    ...document,
    paths: { ...document.paths, ...withLimits(Object.fromEntries(refused)) },
    components: {
      ...components,
      headers: LIMIT_HEADERS,
      responses: { [TOO_MANY]: PROBLEM_RESPONSES[TOO_MANY] },
      schemas: { ...components.schemas, ...PROBLEM_SCHEMAS },
    },
  } as unknown as OpenAPIObject;
}

const TOO_MANY = 'problem.429';

function withRefusal(methods: JsonObject): JsonObject {
  const refusal = problemResponses([429]);
  return Object.fromEntries(
    Object.entries(methods).map(([method, operation]) => {
      const { responses, ...rest } = operation as JsonObject;
      return [method, { ...rest, responses: { ...(responses as JsonObject), ...refusal } }];
    }),
  );
}
