import { setTimeout as pause } from 'node:timers/promises';
import type { InspectedTenant } from '../../src/packs/rollout-tenants.service.js';
import type { RolloutView } from '../../src/packs/rollout-view.js';
import { withClient } from './database.js';
import { closed, ownPacks } from './packs.js';
import { type Method, startTestService, type TestService, type TestTenant } from './service.js';

/** A service with packs to roll out, and what a test of rollouts does again and again. */

export const NOTE = closed({ text: { type: 'string' } });

const THING = { code: { type: 'string', unique: true }, kind: { type: 'string' } };
const GROWN = closed({ ...THING, color: { type: 'string', maxLength: 20, index: true } });
const TAG = closed({ thing: { type: 'string', relation: { entity: 'Thing', field: 'code' } } });

/** Each test has a pack of its own: one rollout of a pack at a time. */
const NAMES = Array.from({ length: 20 }, (_, i) => `probe-${i}`);

/** Longest a test waits for what must come. */
const PATIENCE_MS = 20_000;

export interface Member {
  readonly id: string;
  readonly slug: string;
  readonly schemaName: string;
  /** As its admin. */
  readonly call: Awaited<ReturnType<TestTenant['as']>>;
}

export const is = (status: RolloutView['status']) => (rollout: RolloutView) => rollout.status === status;

export class RolloutTest {
  private used = 0;

  private constructor(
    readonly service: TestService,
    private readonly token: string,
    readonly stop: () => Promise<void>,
  ) {}

  /** Versions of each pack: 1.1.0 brings Thing.color and the entity Tag; 2.0.0 requires Thing.kind and takes Note.text away. */
  static async start(): Promise<RolloutTest> {
    const packs = ownPacks();
    for (const name of NAMES) {
      packs.write(name, '1.0.0', { Thing: closed(THING), Note: NOTE });
      packs.write(name, '1.1.0', { Thing: GROWN, Note: NOTE, Tag: TAG });
      packs.write(name, '2.0.0', { Thing: { ...GROWN, required: ['kind'] }, Note: closed({ title: { type: 'string' } }) });
    }
    const service = await startTestService({ PACKS_DIR: packs.folder });
    return new RolloutTest(service, await service.token(['system_admin']), async () => {
      await service.stop();
      packs.remove();
    });
  }

  /** As a system administrator. */
  system(method: Method, path: string) {
    return this.service.request(this.token, method, `/api/v1${path}`);
  }

  unusedPack(): string {
    return NAMES[this.used++] as string;
  }

  /** A pack's name, and so many tenants that have its first version. */
  async prepared(count: number): Promise<{ pack: string; tenants: Member[] }> {
    const pack = this.unusedPack();
    const tenants: Member[] = [];
    for (let i = 0; i < count; i++) tenants.push(await this.member(`${pack}-${i}`, `${pack}@1.0.0`));
    return { pack, tenants };
  }

  async member(slug: string, pack: string): Promise<Member> {
    const { body } = await this.system('post', '/tenants')
      .send({ slug, packs: [pack] })
      .expect(201);
    const { id, schemaName } = body;
    const token = await this.service.token(['admin'], id);
    const call: Member['call'] = (method, path) => this.service.request(token, method, `/api/v1/tenants/${id}${path}`);
    return { id, slug, schemaName, call };
  }

  /** Its id. */
  async begin(order: object): Promise<string> {
    return (await this.system('post', '/rollouts').send(order).expect(201)).body.id;
  }

  async until(id: string, isSo: (rollout: RolloutView) => boolean): Promise<RolloutView> {
    for (const deadline = Date.now() + PATIENCE_MS; ; ) {
      const { body } = await this.system('get', `/rollouts/${id}`).expect(200);
      if (isSo(body)) return body;
      if (Date.now() > deadline) throw new Error(`it never came to that: ${JSON.stringify(body)}`);
      await pause(20);
    }
  }

  steer(id: string, verb: string) {
    return this.system('post', `/rollouts/${id}/${verb}`);
  }

  async tenantsOf(id: string, query = ''): Promise<InspectedTenant[]> {
    return (await this.system('get', `/rollouts/${id}/tenants?limit=200${query}`).expect(200)).body.items;
  }

  /** By number of the tenant. */
  async statuses(id: string): Promise<Record<string, string | null>> {
    const tenants = await this.tenantsOf(id);
    return Object.fromEntries(tenants.map(({ slug, status }) => [slug.replace(/^probe-\d+-/, ''), status]));
  }

  /** Makes the tenant's upgrade to 1.1.0 fail: it has a property of the name that the pack brings. */
  async addColor({ call }: Member): Promise<void> {
    const { body } = await call('get', '/entities/Thing');
    const properties = { ...body.document.properties, color: { type: 'integer' } };
    await call('put', '/entities/Thing')
      .send({ ...body.document, properties })
      .expect(200);
  }

  async removeColor({ call }: Member): Promise<void> {
    const { body } = await call('get', '/entities/Thing');
    const { color: _, ...properties } = body.document.properties;
    const document = { ...body.document, properties };
    const { body: plan } = await call('post', '/entities/Thing/plan').send(document);
    await call('post', '/entities/Thing/apply')
      .send({ document, hash: plan.hash, allow: ['destructive', 'drop:color'] })
      .expect(200);
  }

  /** While `work` runs, nobody can change the tenant's entity Thing: its upgrade waits. */
  async held<T>({ schemaName }: Member, work: () => Promise<T>): Promise<T> {
    return withClient(this.service.database.adminUrl, async (client) => {
      await client.query('begin');
      await client.query(`lock table "${schemaName}"."Thing" in access share mode`);
      const result = await work();
      await client.query('rollback');
      return result;
    });
  }

  async suspend(tenant: Member): Promise<void> {
    await this.system('patch', `/tenants/${tenant.id}`).send({ status: 'suspended' }).expect(200);
  }

  async resume(tenant: Member): Promise<void> {
    await this.system('patch', `/tenants/${tenant.id}`).send({ status: 'active' }).expect(200);
  }
}
