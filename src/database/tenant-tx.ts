import type { TenantHome } from '../model/entity.js';
import type { Statement } from '../model/sql.js';
import type { Actor } from './context-token.js';
import type { RuntimeConnection, RuntimePool } from './runtime-pool.js';
import type { Row } from './statement-batch.js';

/**
 * A transaction inside one tenant. Only `TenantTx.run` mints one, so code that holds a `TenantTx` has entered, and code
 * that forgot the tenant does not compile. Lazy: nothing is sent before the first statement, so a request that needs
 * no database takes no connection, and keys can be opened before anything begins.
 */

const BEGIN: Statement = { text: 'begin', values: [], name: 'bss_begin' };
const COMMIT: Statement = { text: 'commit', values: [], name: 'bss_commit' };
const ROLLBACK: Statement = { text: 'rollback', values: [], name: 'bss_rollback' };

/** What a lent transaction belongs to, and what its statements wait for. */
interface Lender {
  readonly tx: TenantTx;
  readonly before: () => Promise<void>;
}

/** Its private members make the type a brand: no other object is assignable to it. */
export class TenantTx {
  private connection: RuntimeConnection | null = null;
  private state: 'unused' | 'connecting' | 'open' | 'over' = 'unused';
  private isRehearsal = false;

  private constructor(
    private readonly pool: RuntimePool,
    readonly home: TenantHome,
    readonly actor: Actor,
    readonly readOnly: boolean,
    private readonly lender: Lender | null = null,
  ) {}

  /**
   * The same transaction for work inside something greater: each of its statements waits for `before`, and is refused with it,
   * and `last` does not commit, so that who lends has the last word.
   */
  lend(before: () => Promise<void>): TenantTx {
    return new TenantTx(this.pool, this.home, this.actor, this.readOnly, { tx: this, before });
  }

  /** From before the first statement on: everything is done and answered, and at the end nothing of it is kept. */
  rehearse(): void {
    if (this.lender || this.state !== 'unused') throw new Error('only a transaction of its own that has not begun is rehearsed');
    this.isRehearsal = true;
  }

  /** Runs a statement; the transaction stays open. */
  async query(statement: Statement): Promise<readonly Row[]> {
    if (this.lender) {
      await this.lender.before();
      return this.lender.tx.query(statement);
    }
    if (this.state === 'open') return this.send([statement], 0);
    const connection = await this.connect();
    this.state = 'open';
    return this.send([BEGIN, connection.enter(this.claims, this.readOnly), statement], 2);
  }

  /**
   * Runs the transaction's last statement and commits in the same round trip; when it is also the first, as for every
   * single-statement request, the whole transaction is one round trip. Nothing can be run afterwards.
   */
  async last(statement: Statement): Promise<readonly Row[]> {
    if (this.lender || this.isRehearsal) return this.query(statement);
    if (this.state === 'open') {
      const rows = await this.send([statement, COMMIT], 0);
      this.state = 'over';
      return rows;
    }
    const connection = await this.connect();
    this.state = 'over';
    return this.send([connection.enter(this.claims, this.readOnly), statement], 1);
  }

  private get claims() {
    const { tenantId, schema, role } = this.home;
    return { tenantId, schema, role, actor: this.actor };
  }

  private async connect(): Promise<RuntimeConnection> {
    if (this.state === 'connecting') throw new Error('await the first statement of a tenant transaction before the next');
    if (this.state === 'over') throw new Error('the tenant transaction is over');
    this.state = 'connecting';
    const connection = await this.pool.checkout(this.home.tenantId);
    // Whoever did not await this statement has ended the transaction meanwhile: nothing may begin any more.
    if (this.isOver()) {
      connection.release();
      throw new Error('the tenant transaction is over');
    }
    this.connection = connection;
    return connection;
  }

  private async send(statements: readonly Statement[], answer: number): Promise<readonly Row[]> {
    if (!this.connection) throw new Error('the tenant transaction is over');
    const results = await this.connection.send(statements);
    return results[answer]?.rows ?? [];
  }

  private isOver(): boolean {
    return this.state === 'over';
  }

  private async commit(): Promise<void> {
    if (this.state === 'connecting') throw new Error('the first statement of the tenant transaction was not awaited');
    if (this.state === 'open') {
      const [result] = (await this.connection?.send([COMMIT])) ?? [];
      // COMMIT of an aborted transaction answers ROLLBACK without an error.
      if (result?.command !== 'COMMIT') throw new Error('the transaction was aborted before its commit');
    }
    this.end();
  }

  private async rollback(): Promise<void> {
    try {
      if (this.state === 'open') await this.connection?.send([ROLLBACK]);
      this.end();
    } catch {
      this.state = 'over';
      this.connection?.destroy();
    }
  }

  private end(): void {
    this.state = 'over';
    this.connection?.release();
  }

  /** Runs `work` in a transaction inside the tenant: commits when it resolves, rolls back when it rejects. */
  static async run<T>(
    pool: RuntimePool,
    home: TenantHome,
    actor: Actor,
    options: { readOnly: boolean },
    work: (tx: TenantTx) => Promise<T>,
  ): Promise<T> {
    const tx = new TenantTx(pool, home, actor, options.readOnly);
    let result: T;
    try {
      result = await work(tx);
      await (tx.isRehearsal ? tx.rollback() : tx.commit());
    } catch (error) {
      await tx.rollback();
      throw error;
    }
    return result;
  }
}
