import type { IncomingHttpHeaders } from 'node:http';
import { Body, Controller, Delete, Get, Headers, Param, Patch, Post, Put, Req } from '@nestjs/common';
import type { TenantTx } from '../database/tenant-tx.js';
import { Performs } from '../http/operation.decorator.js';
import { CurrentTenant, Tx } from '../http/parameters.js';
import { queryPairs, type ServiceRequest } from '../http/request.js';
import { InTenant } from '../http/tenant-transaction.interceptor.js';
import type { JsonValue } from '../platform/json-value.js';
import type { Tenant } from '../tenants/tenant-directory.js';
import { RecordsService } from './records.service.js';

@Controller('api/v1/tenants/:tenantId/records/:entity')
@InTenant()
export class RecordsController {
  constructor(private readonly records: RecordsService) {}

  @Get()
  @Performs('records.read')
  list(@Tx() tx: TenantTx, @CurrentTenant() tenant: Tenant, @Param('entity') entity: string, @Req() request: ServiceRequest) {
    return this.records.list(tx, tenant, entity, queryPairs(request), request.headers);
  }

  @Get(':id')
  @Performs('records.read')
  get(
    @Tx() tx: TenantTx,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('id') id: string,
    @Headers() headers: IncomingHttpHeaders,
  ) {
    return this.records.get(tx, tenant, entity, id, headers);
  }

  @Post()
  @Performs('records.create')
  insert(
    @Tx() tx: TenantTx,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Body() body: JsonValue,
    @Headers() headers: IncomingHttpHeaders,
  ) {
    return this.records.insert(tx, tenant, entity, body ?? null, headers);
  }

  @Put(':id')
  @Performs('records.update')
  replace(
    @Tx() tx: TenantTx,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('id') id: string,
    @Body() body: JsonValue,
    @Headers() headers: IncomingHttpHeaders,
  ) {
    return this.records.replace(tx, tenant, entity, id, body ?? null, headers);
  }

  @Patch(':id')
  @Performs('records.update')
  patch(
    @Tx() tx: TenantTx,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('id') id: string,
    @Body() body: JsonValue,
    @Headers() headers: IncomingHttpHeaders,
  ) {
    return this.records.patch(tx, tenant, entity, id, body ?? null, headers);
  }

  @Delete(':id')
  @Performs('records.delete')
  remove(
    @Tx() tx: TenantTx,
    @CurrentTenant() tenant: Tenant,
    @Param('entity') entity: string,
    @Param('id') id: string,
    @Headers() headers: IncomingHttpHeaders,
  ) {
    return this.records.remove(tx, tenant, entity, id, headers);
  }
}
