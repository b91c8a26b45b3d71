import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** business_store_service.tenants, the registry of tenants. */
@Entity({ schema: 'business_store_service', name: 'tenants' })
export class TenantRow {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  slug!: string;

  @Column('text')
  name!: string;

  @Column('text')
  status!: TenantStatus;

  @Column('text', { name: 'schema_name' })
  schemaName!: string;

  @Column('text', { name: 'role_name' })
  roleName!: string;

  @Column('text', { name: 'owner_role_name' })
  ownerRoleName!: string;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at' })
  updatedAt!: Date;

  @Column('timestamptz', { name: 'changed_at' })
  changedAt!: Date;
}

export type TenantStatus = 'active' | 'suspended';
