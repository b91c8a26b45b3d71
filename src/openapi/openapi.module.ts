import { Module } from '@nestjs/common';
import { OpenApiController } from './openapi.controller.js';
import { PlatformOpenApi } from './platform-openapi.js';

@Module({ controllers: [OpenApiController], providers: [PlatformOpenApi] })
export class OpenApiModule {}
