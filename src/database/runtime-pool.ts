import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { Statement } from '../model/sql.js';
import { CONTEXT_LIFETIME_SECONDS, type ContextClaims, type ContextKey, mintContextToken } from './context-token.js';
import { PreparedNames, StatementBatch, type StatementResult } from './statement-batch.js';

/**
 * The only way onto the pool role's connections. It owns checkout and release, because the pool is the likeliest leak:
 * what is checked out is idle and clean, what comes back otherwise is destroyed. Nobody outside this file holds a pg client.
 */

export interface RuntimePoolOptions {
  /** Login of a pool role, such as `bss_app_00`. */
  readonly url: string;
  readonly size: number;
  /** Server-side limit per statement, milliseconds. */
  readonly statementTimeoutMs: number;
  readonly contextKey: ContextKey;
  readonly onError: (error: Error) => void;
}

/** Commands that leave nothing behind in the session, unlike SET, LISTEN, PREPARE or DO. */
const LEAVES_NOTHING: ReadonlySet<string | undefined> = new Set([
  'BEGIN',
  'COMMIT',
  'ROLLBACK',
  'SELECT',
  'INSERT',
  'UPDATE',
  'DELETE',
  'EXPLAIN',
]);

/** How much longer than the server the client waits for a statement before it gives the connection up. */
const CLIENT_PATIENCE_MS = 2_000;

/** Those who ask for readiness wait a few seconds at most. */
const PROBE_PATIENCE_MS = 2_000;

const NOBODY = '00000000-0000-0000-0000-000000000000';
const WARMING = { subject: 'business-store', roles: [], requestId: 'warming' };

interface Held {
  readonly client: pg.PoolClient;
  readonly prepared: PreparedNames;
  /** Server clock minus ours, seconds: tokens expire by the server's clock. */
  clockSkew: number;
}

export class RuntimePool {
  private readonly pool: pg.Pool;
  private readonly held = new WeakMap<pg.Client, Held>();
  private probing: Promise<string | null> | null = null;

  constructor(private readonly options: RuntimePoolOptions) {
    this.pool = new pg.Pool({
      connectionString: options.url,
      max: options.size,
      pipeline: true,
      application_name: 'business-store',
      statement_timeout: options.statementTimeoutMs,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: 60_000,
      // A backend keeps ~20 KB per tenant table it touched: connections are recycled.
      maxUses: 50_000,
      maxLifetimeSeconds: 1_800,
      keepAlive: true,
    });
    this.pool.on('error', options.onError);
    this.pool.on('connect', (client) => client.on('error', options.onError));
  }

  /** Connections in use and in all, and requests waiting for one. */
  get load(): { total: number; idle: number; waiting: number } {
    return { total: this.pool.totalCount, idle: this.pool.idleCount, waiting: this.pool.waitingCount };
  }

  async checkout(): Promise<RuntimeConnection> {
    for (;;) {
      const client = await this.pool.connect();
      if (client.getTransactionStatus() !== 'I') {
        client.release(true);
        continue;
      }
      const held = this.held.get(client) ?? (await this.warm(client));
      return new RuntimeConnection(held, this.options, (timedOut) => this.abandon(client, timedOut));
    }
  }

  /** For readiness: null when the database answers, else why not. Always answers soon, and never takes two connections. */
  async whyNotReady(): Promise<string | null> {
    const silence = 'the database does not answer';
    this.probing ??= this.probe()
      .then(() => null)
      .catch(() => silence)
      .finally(() => {
        this.probing = null;
      });
    return Promise.race([this.probing, wait(PROBE_PATIENCE_MS, silence, { ref: false })]);
  }

  private async probe(): Promise<void> {
    const connection = await this.checkout();
    await connection.send([{ text: 'select 1', values: [] }]).finally(() => connection.release());
  }

  async end(): Promise<void> {
    await this.pool.end();
  }

  /** The first entry on a connection costs 3-4 ms of catalog loading and function compiling: pay it at connect. */
  private async warm(client: pg.PoolClient): Promise<Held> {
    const held: Held = { client, prepared: new PreparedNames(), clockSkew: 0 };
    const cold = new RuntimeConnection(held, this.options, () => client.release(true));
    try {
      const [clock] = await cold.send([
        { text: 'select extract(epoch from clock_timestamp())::bigint, current_user', values: [] },
      ]);
      const [serverNow, login] = clock?.rows[0] ?? [];
      held.clockSkew = Number(serverNow) - Math.floor(Date.now() / 1000);
      // Entering as the login itself runs every step and opens nothing: the login may read nothing.
      const nowhere = { tenantId: NOBODY, schema: 'pg_catalog', role: login as string, actor: WARMING };
      await cold.send([cold.enter(nowhere, true)]);
      this.held.set(client, held);
      return held;
    } catch (error) {
      // Nobody else would give its place in the pool back.
      cold.destroy();
      throw error;
    }
  }

  /** Ends a connection whose statement nobody waits for any more, and stops the statement on the server. */
  private abandon(client: pg.PoolClient, timedOut: boolean): void {
    if (timedOut) {
      this.cancel(client);
      // An orderly goodbye would wait for the answer, and whoever queues for a connection with it.
      (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    }
    client.release(true);
  }

  private cancel(client: pg.PoolClient): void {
    const { processID, secretKey } = client as unknown as { processID: number; secretKey: number };
    const side = new pg.Connection({});
    side.on('error', this.options.onError);
    side.on('connect', () => (side as unknown as { cancel(pid: number, key: number): void }).cancel(processID, secretKey));
    const { port, host } = client;
    const address = host.startsWith('/') ? [`${host}/.s.PGSQL.${port}`] : [port, host];
    (side as unknown as { connect(...address: unknown[]): void }).connect(...address);
  }
}

/** One checked-out connection. Ends by `release`, exactly once; anything but an idle and clean connection is destroyed. */
export class RuntimeConnection {
  private released = false;
  private clean = true;
  private unanswered = 0;

  constructor(
    private readonly held: Held,
    private readonly options: RuntimePoolOptions,
    private readonly abandon: (timedOut: boolean) => void,
  ) {}

  /** The statement that enters the tenant on this very connection. */
  enter(claims: ContextClaims, readOnly: boolean): Statement {
    const expiresAt = Math.floor(Date.now() / 1000) + this.held.clockSkew + CONTEXT_LIFETIME_SECONDS;
    const pid = (this.held.client as unknown as { processID: number }).processID;
    return enterStatement(mintContextToken(this.options.contextKey, claims, pid, expiresAt), readOnly);
  }

  /** Sends the statements in one flush; rejects with the first error (a `pg.DatabaseError` when the server's). */
  async send(statements: readonly Statement[]): Promise<readonly StatementResult[]> {
    if (this.released) throw new Error('the connection was released');
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        // Of several statements that wait together, the first to give up gives up for all.
        if (!this.released) {
          this.released = true;
          this.abandon(true);
        }
        reject(Object.assign(new Error('the database did not answer in time'), { code: '57014' }));
      }, this.options.statementTimeoutMs + CLIENT_PATIENCE_MS);
      const batch = new StatementBatch(statements, this.held.prepared, (error, results) => {
        clearTimeout(timer);
        this.unanswered -= 1;
        if (!results.every(({ command }) => LEAVES_NOTHING.has(command.split(' ')[0]))) this.clean = false;
        if (error) reject(error);
        else resolve(results);
      });
      this.unanswered += 1;
      this.held.client.query(batch);
    });
  }

  release(): void {
    if (this.released) return;
    this.released = true;
    // Until a batch is answered the status is that of before it.
    const idle = this.unanswered === 0 && this.held.client.getTransactionStatus() === 'I';
    if (this.clean && idle) this.held.client.release();
    else this.abandon(false);
  }

  /** For a transaction in an unknown state: nobody shall meet it again. */
  destroy(): void {
    if (this.released) return;
    this.released = true;
    this.abandon(false);
  }
}

function enterStatement(token: string, readOnly: boolean): Statement {
  return { text: 'select bss.enter($1, $2)', values: [token, readOnly ? 'true' : 'false'], name: 'bss_enter' };
}
