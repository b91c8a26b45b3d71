import type { Call } from './definitions.js';
import type { TestService, TestTenant } from './service.js';

/** Records of a tenant that are deleted, kept, restored and purged: what their tests do again and again. */

export type Stored = { readonly id: string; readonly revision: number; readonly [member: string]: unknown };

/** An entity that keeps what is deleted, unless `rest` says otherwise. */
export function keeping(properties: object = {}, rest: object = {}) {
  return { type: 'object', softDelete: true, properties: { name: { type: 'string' }, ...properties }, ...rest };
}

export function relationTo(entity: string, onDelete = 'restrict', more: object = {}) {
  return { type: 'string', format: 'uuid', relation: { entity, onDelete, ...more } };
}

export class Deletions {
  constructor(
    private readonly test: TestService,
    private readonly tenant: TestTenant,
    private readonly call: Call,
  ) {}

  async insert(entity: string, record: object): Promise<Stored> {
    return (await this.call('post', `/records/${entity}`).send(record).expect(201)).body;
  }

  async remove(entity: string, { id }: { readonly id: string }): Promise<void> {
    await this.call('delete', `/records/${entity}/${id}`).expect(204);
  }

  /** Inserted and deleted. */
  async removed(entity: string, record: object): Promise<Stored> {
    const stored = await this.insert(entity, record);
    await this.remove(entity, stored);
    return stored;
  }

  restore(entity: string, id: string, patch?: object) {
    const request = this.call('post', `/deleted/${entity}/${id}/restore`);
    return patch === undefined ? request : request.set('content-type', 'application/json').send(JSON.stringify(patch));
  }

  /** Of the records that live, in order. */
  async names(entity: string): Promise<string[]> {
    return (await this.call('get', `/records/${entity}?order=name`).expect(200)).body.map(({ name }: Stored) => name);
  }

  async list(entity: string, query = '') {
    return (await this.call('get', `/deleted/${entity}${query}`).expect(200)).body;
  }

  /** Of the records that were deleted, in order. */
  async deletedNames(entity: string): Promise<string[]> {
    return (await this.list(entity)).items.map(({ record }: { record: Stored }) => record.name).sort();
  }

  /** What the trail says of restoring and purging. */
  async trail() {
    const { rows } = await this.test.database.admin(
      `select action, entity, record_id, actor, body::json as body
    from audit.events
    where tenant_id = $1 and action in ('record.restored', 'record.purged')
    order by event_id`,
      [this.tenant.id],
    );
    return rows;
  }

  /** Lets all deletions of the tenant be so much older. */
  async age(days: number): Promise<void> {
    const { schemaName } = this.tenant;
    const { rows } = await this.test.database.admin(
      `select relname from pg_class where relnamespace = $1::regnamespace and relkind = 'p' and relname like '~deleted~%'`,
      [schemaName],
    );
    for (const { relname } of rows) {
      await this.test.database.admin(
        `update "${schemaName}"."${relname}" set ended_at = ended_at - make_interval(hours => $1::integer)`,
        [Math.round(days * 24)],
      );
    }
  }
}
