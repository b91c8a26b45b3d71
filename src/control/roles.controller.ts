import { Body, Controller, Delete, Get, HttpCode, Param, Put, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Access } from '../access/access.js';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentAccess, CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { PutRoleBody } from './role.bodies.js';
import { RolesService } from './roles.service.js';
import type { TenantRoleRow } from './roles-sql.js';

/** Roles that a tenant makes beside the built-in ones. Who has them is for the Auth Service to say, as with those. */
@ApiTags('roles')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/roles')
export class RolesController {
  constructor(private readonly roles: RolesService) {}

  @Get()
  @Performs('roles.read')
  @ApiOperation({ summary: 'List the roles that the tenant has made, by name' })
  async list(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant) {
    const rows = await this.roles.list(actor, tenant);
    // A tenant has a hundred at most: they are one page.
    return { items: rows.map(view), next: null };
  }

  @Get(':role')
  @Performs('roles.read')
  @ApiOperation({ summary: 'Get a role, and by what it is used' })
  async get(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @CurrentAccess() access: Access,
    @Param('role') name: string,
  ) {
    const { role, usedBy } = await this.roles.get(actor, tenant, access, name);
    return { ...view(role), usedBy };
  }

  @Put(':role')
  @Performs('roles.manage')
  @ApiOperation({ summary: 'Make a role, or replace what it permits; in force everywhere within 5 seconds' })
  async put(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Param('role') name: string,
    @Body() body: PutRoleBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const { role, isNew } = await this.roles.put(actor, tenant, name, body);
    reply.status(isNew ? 201 : 200);
    return view(role);
  }

  @Delete(':role')
  @HttpCode(204)
  @Performs('roles.manage')
  @ApiOperation({ summary: 'Delete a role: whoever has it loses what it permits, everywhere within 5 seconds' })
  async delete(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Param('role') name: string): Promise<void> {
    await this.roles.delete(actor, tenant, name);
  }
}

function view({ name, description, inherits, permissions, created_at, updated_at }: TenantRoleRow) {
  return { name, description, inherits, permissions, createdAt: created_at, updatedAt: updated_at };
}
