import { Body, Controller, Get, HttpCode, Param, Post, Put, Res, UsePipes } from '@nestjs/common';
import { ApiBearerAuth, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import type { Actor } from '../database/context-token.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentActor, CurrentTenant } from '../http/parameters.js';
import { validation } from '../http/validation.pipe.js';
import { Problem } from '../platform/problem.js';
import { isUuid } from '../platform/uuid.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import type { KeyJob } from './key-job.js';
import { KeyJobs } from './key-jobs.js';
import { ForgetSubjectBody, MoveKeysBody, RotateKeysBody, ShredKeysBody } from './keys.bodies.js';
import { KeysService } from './keys.service.js';
import { SubjectShredding } from './subject-shredding.js';

/** Seconds after which it is worth asking again. */
const AGAIN = '2';

/** The keys under which the tenant's encrypted values are. No answer has a key in it. */
@ApiTags('encryption keys')
@ApiBearerAuth()
@UsePipes(validation)
@Controller('api/v1/tenants/:tenantId/keys')
export class KeysController {
  constructor(
    private readonly keys: KeysService,
    private readonly jobs: KeyJobs,
    private readonly subjects: SubjectShredding,
  ) {}

  @Get()
  @Performs('keys.read')
  @ApiOperation({ summary: 'Where the keys are, their versions and states, and the receipt once they are destroyed' })
  get(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant) {
    return this.keys.get(actor, tenant);
  }

  @Post('rotate')
  @HttpCode(202)
  @Performs('keys.manage')
  @ApiOperation({ summary: 'Put a new key in the place of one; records can be read, written and found all the while' })
  async rotate(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Body() body: RotateKeysBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return accepted(tenant, await this.keys.rotate(actor, tenant, body), reply);
  }

  @Put('provider')
  @HttpCode(202)
  @Performs('keys.manage')
  @ApiOperation({ summary: "Move the keys to another provider, or under a key of the tenant's own" })
  async move(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Body() body: MoveKeysBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    return accepted(tenant, await this.keys.move(actor, tenant, body), reply);
  }

  @Get('jobs')
  @Performs('keys.read')
  @ApiOperation({ summary: 'Work on the keys, newest first, and how far it is' })
  async list(@CurrentTenant() tenant: Tenant) {
    return { items: await this.jobs.list(tenant), next: null };
  }

  @Get('jobs/:jobId')
  @Performs('keys.read')
  @ApiOperation({ summary: 'One piece of work: its stage, how far it is, and what it waits for' })
  async job(@CurrentTenant() tenant: Tenant, @Param('jobId') jobId: string, @Res({ passthrough: true }) reply: FastifyReply) {
    if (!isUuid(jobId)) throw new Problem('key/job-not-found', 'The tenant has no work on its keys with this id.');
    const job = await this.jobs.get(tenant, jobId);
    if (job.status === 'running') reply.header('retry-after', AGAIN);
    return job;
  }

  @Post('subjects/shred')
  @HttpCode(200)
  @Performs('keys.destroy')
  @ApiOperation({
    summary: 'Destroy the key of somebody whom records are about: none of their encrypted values is ever read or found again',
  })
  forget(@CurrentActor() actor: Actor, @CurrentTenant() tenant: Tenant, @Body() body: ForgetSubjectBody) {
    return this.subjects.shred(actor, tenant, body);
  }

  @Post('shred')
  @HttpCode(200)
  @Performs('keys.destroy')
  @ApiOperation({
    summary: 'Destroy the keys for good: no encrypted value is ever read again; with dryRun, which those would be',
    description:
      '202: nothing can be read any more, but the key provider has not said yet that its key is destroyed; ask GET …/keys.',
  })
  async shred(
    @CurrentActor() actor: Actor,
    @CurrentTenant() tenant: Tenant,
    @Body() body: ShredKeysBody,
    @Res({ passthrough: true }) reply: FastifyReply,
  ) {
    const outcome = await this.keys.shred(actor, tenant, body);
    if (outcome.state === 'destroying' && !outcome.dryRun) {
      reply.status(202).header('location', `/api/v1/tenants/${tenant.id}/keys`).header('retry-after', AGAIN);
    }
    return outcome;
  }
}

function accepted(tenant: Tenant, job: KeyJob, reply: FastifyReply): KeyJob {
  reply.header('location', `/api/v1/tenants/${tenant.id}/keys/jobs/${job.id}`).header('retry-after', AGAIN);
  return job;
}
