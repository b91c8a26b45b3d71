import { DataSource, type EntityManager, type QueryRunner } from 'typeorm';
import type { TenantHome } from '../model/entity.js';
import type { Statement } from '../model/sql.js';
import { quoteIdent } from '../model/sql.js';
import { type Actor, asService, type ContextClaims, type ContextKey, hmacBlocks, mintContextToken } from './context-token.js';
import { listMigrations, migrate } from './migrations.js';
import type { Row } from './statement-batch.js';

/**
 * The control plane's connections: login `bss_migrator`, which may provision and define but is subject to row-level
 * security like everybody else. Work happens inside a `SystemTx`, under role `bss_control` and a signed context:
 * either the platform's, or one tenant's. Never used for records.
 */

/** A definition that builds an index on a large table is still itself when it is done. The token is good on one backend only. */
const LIFETIME_SECONDS = 3_600;

/** The context of work that belongs to no tenant; its id names the platform's own audit trail. */
export const PLATFORM_ID = '00000000-0000-0000-0000-000000000000';

/** Longest a connection may take to answer when work begins, and longest it may take to connect. */
const PATIENCE_MS = 5_000;

/** The first signs; all are accepted. */
export type ContextKeys = readonly [ContextKey, ...ContextKey[]];

export interface ControlPlaneOptions {
  readonly url: string;
  readonly contextKeys: ContextKeys;
  /** TypeORM entity classes of the control plane. */
  readonly entities: NonNullable<ConstructorParameters<typeof DataSource>[0]['entities']>;
  /** Connections; default 5. */
  readonly poolSize?: number;
}

export class ControlPlane {
  readonly dataSource: DataSource;

  constructor(private readonly options: ControlPlaneOptions) {
    this.dataSource = new DataSource({
      type: 'postgres',
      url: options.url,
      applicationName: 'business-store-control',
      schema: 'bss_migrations',
      entities: options.entities,
      migrations: listMigrations(),
      installExtensions: false,
      poolSize: options.poolSize ?? 5,
      extra: { connectionTimeoutMillis: PATIENCE_MS, keepAlive: true },
    });
  }

  /** For another pool on a database that is open already. */
  async connect(): Promise<void> {
    await this.dataSource.initialize();
  }

  /** Connects, runs pending migrations and installs this instance's context keys; returns the names of the migrations run. */
  async open(): Promise<string[]> {
    await this.connect();
    const ran = await migrate(this.dataSource, this.options.url);
    await this.installContextKeys();
    return ran;
  }

  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  /** A transaction in the platform's own context: the registry of tenants. */
  async platform<T>(actor: Actor, work: (tx: SystemTx) => Promise<T>): Promise<T> {
    return this.transact(actor, { tenantId: PLATFORM_ID, schema: 'business_store_service' }, work);
  }

  /** A transaction in one tenant's context: its definitions. */
  async inTenant<T>(actor: Actor, home: TenantHome, work: (tx: SystemTx) => Promise<T>): Promise<T> {
    return this.transact(actor, home, work);
  }

  private async transact<T>(
    actor: Actor,
    where: { tenantId: string; schema: string },
    work: (tx: SystemTx) => Promise<T>,
  ): Promise<T> {
    const runner = this.dataSource.createQueryRunner();
    try {
      const enter = await this.begin(runner, { ...where, role: 'bss_control', actor });
      const result = await work(new SystemTx(runner.manager, enter));
      // Not TypeORM's: COMMIT of an aborted transaction answers ROLLBACK without an error, and it would not notice.
      const client = (await runner.connect()) as { query(text: string): Promise<{ command: string }> };
      const { command } = await client.query('commit');
      if (command !== 'COMMIT') throw new Error('the transaction was aborted before its commit');
      return result;
    } catch (error) {
      // What went wrong is the error; a connection that is lost has nothing left to roll back.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
      throw error;
    } finally {
      await runner.release();
    }
  }

  /**
   * A statement that cannot be in a transaction, such as CREATE INDEX CONCURRENTLY, as the role that owns the tenant's schema.
   * Waits for locks as long as it takes: such statements let others pass.
   */
  async alone(home: TenantHome, statement: string): Promise<void> {
    const runner = this.dataSource.createQueryRunner();
    const { connection } = (await runner.connect()) as { connection: { stream: { destroy(): void } } };
    try {
      await runner.query(`set role ${quoteIdent(home.ownerRole)}`);
      await runner.query(statement);
      await runner.query('reset role');
    } catch (error) {
      // With another role left behind, the connection must not serve anybody else.
      await runner.query('reset role').catch(() => connection.stream.destroy());
      throw error;
    } finally {
      await runner.release();
    }
  }

  /** Work may take its time, but a server that does not answer the first statements is gone: the connection is broken off. */
  private async begin(runner: QueryRunner, claims: ContextClaims): Promise<(claims?: ContextClaims) => Promise<void>> {
    const { connection } = (await runner.connect()) as { connection: { stream: { destroy(): void } } };
    const impatience = setTimeout(() => connection.stream.destroy(), PATIENCE_MS);
    try {
      await runner.startTransaction();
      const [{ pid, now }] = await runner.query(
        'select pg_backend_pid() as pid, extract(epoch from clock_timestamp())::bigint as now',
      );
      const enter = async (wanted: ContextClaims = claims): Promise<void> => {
        const token = mintContextToken(this.options.contextKeys[0], wanted, pid, Number(now) + LIFETIME_SECONDS);
        await runner.query('select bss.enter($1, false)', [token]);
      };
      await enter();
      return enter;
    } finally {
      clearTimeout(impatience);
    }
  }

  private async installContextKeys(): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.query('set local role bss_owner');
      for (const key of this.options.contextKeys) {
        const { inner, outer } = hmacBlocks(key.secret);
        const known: { same: boolean }[] = await manager.query(
          `insert into bss.context_keys as k (kid, inner_block, outer_block)
           values ($1, $2, $3)
           on conflict (kid) do update set kid = excluded.kid
           returning k.inner_block = $2 and k.retired_at is null as same`,
          [key.kid, inner, outer],
        );
        if (!known[0]?.same) throw new Error(`context key ${key.kid} is retired, or another key has its name: choose a new one`);
      }
    });
  }
}

/** Rows as arrays of Postgres' text. */
export type TenantQuery = (statement: Statement) => Promise<readonly Row[]>;

const AS_TEXT = { getTypeParser: () => (text: string) => text };

interface TextClient {
  query(query: { text: string; values: unknown[]; rowMode: 'array'; types: typeof AS_TEXT }): Promise<{ rows: Row[] }>;
}

/** A control-plane transaction. Only `ControlPlane` mints one. */
export class SystemTx {
  constructor(
    readonly manager: EntityManager,
    /** Enters another context, or this transaction's own again. */
    private readonly enter: (claims?: ContextClaims) => Promise<void>,
  ) {}

  async run<T = unknown>(statement: Statement): Promise<T[]> {
    return this.manager.query(statement.text, [...statement.values]);
  }

  /** The first row, if there is any: TypeORM answers an UPDATE with its rows and their number. */
  async first<T>(statement: Statement): Promise<T | undefined> {
    const answer = await this.run<T | T[]>(statement);
    return answer.flat()[0] as T | undefined;
  }

  /** Creates roles and grants as the login itself, then returns to `bss_control`. */
  async asMigrator(statements: readonly string[]): Promise<void> {
    await this.asRole('none', statements);
  }

  /** Runs DDL as the role that owns the tenant's schema, so that a hostile definition stays in that schema. */
  async asOwner(home: TenantHome, statements: readonly string[]): Promise<void> {
    await this.asRole(quoteIdent(home.ownerRole), statements);
  }

  /**
   * Works inside the tenant, under its role and a context of its own: where its rows can be seen and changed. Rows come as
   * Postgres' text, as those of a tenant transaction do.
   */
  async asTenant<T>(home: TenantHome, actor: Actor, work: (query: TenantQuery) => Promise<T>): Promise<T> {
    await this.manager.query('set local role none');
    await this.enter({ tenantId: home.tenantId, schema: home.schema, role: home.role, actor: asService(actor) });
    const client = (await this.manager.queryRunner?.connect()) as TextClient;
    const result = await work(async ({ text, values }) => {
      const { rows } = await client.query({ text, values: [...values], rowMode: 'array', types: AS_TEXT });
      return rows;
    });
    await this.manager.query('set local role none');
    await this.enter();
    return result;
  }

  private async asRole(role: string, statements: readonly string[]): Promise<void> {
    await this.manager.query(`set local role ${role}`);
    for (const statement of statements) await this.manager.query(statement);
    await this.manager.query('set local role bss_control');
  }
}
