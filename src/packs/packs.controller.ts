import { Body, Controller, Get, Param, Post, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import { PackLibrary } from '../library/pack-library.js';
import { InstallPackBody } from './pack.bodies.js';
import { PacksService } from './packs.service.js';

@ApiTags('packs')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1')
export class PacksController {
  constructor(
    private readonly library: PackLibrary,
    private readonly packs: PacksService,
  ) {}

  @Get('packs')
  @Performs('packs.read')
  @ApiOperation({ summary: 'The packs this installation has, each with its versions from the oldest to the newest' })
  list() {
    const items = this.library.all().map((versions) => {
      const { name, title, description, entities } = this.library.get(versions[0].name);
      return {
        ...{ name, title, description, versions: versions.map(({ version }) => version) },
        entities: entities.map((entity) => entity.name),
      };
    });
    return { items, next: null };
  }

  @Get('packs/:pack/:version')
  @Performs('packs.read')
  @ApiOperation({ summary: 'A version of a pack with the documents of its entities' })
  get(@Param('pack') pack: string, @Param('version') version: string) {
    return this.library.get(pack, version);
  }

  @Get('tenants/:tenantId/packs')
  @Performs('packs.read')
  @ApiOperation({ summary: 'The packs a tenant has, and in which version' })
  async ofTenant(@CurrentActor() actor: Actor, @Param('tenantId') tenantId: string) {
    return { items: await this.packs.list(actor, tenantId), next: null };
  }

  @Post('tenants/:tenantId/packs')
  @Performs('packs.install')
  @ApiOperation({ summary: 'Install a pack into a tenant: all of its entities, or nothing' })
  install(@CurrentActor() actor: Actor, @Param('tenantId') tenantId: string, @Body() body: InstallPackBody) {
    return this.packs.install(actor, tenantId, body);
  }
}
