import { Column, Entity, PrimaryColumn } from 'typeorm';

/** business_store_service.tenant_schemas: the current definition of each entity. */
@Entity({ schema: 'business_store_service', name: 'tenant_schemas' })
export class TenantSchemaRow {
  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('uuid', { name: 'entity_id' })
  entityId!: string;

  @Column('text')
  name!: string;

  @Column('integer')
  version!: number;

  @Column('json')
  document!: object;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;
}

/** business_store_service.entity_versions: every definition there ever was. */
@Entity({ schema: 'business_store_service', name: 'entity_versions' })
export class EntityVersionRow {
  @PrimaryColumn('uuid', { name: 'tenant_id' })
  tenantId!: string;

  @PrimaryColumn('uuid', { name: 'entity_id' })
  entityId!: string;

  @PrimaryColumn('integer')
  version!: number;

  @Column('json')
  document!: object;

  @Column('text', { name: 'created_by' })
  createdBy!: string;

  @Column('text', { name: 'request_id' })
  requestId!: string;
}
