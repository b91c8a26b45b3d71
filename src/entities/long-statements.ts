import type { ControlPlane } from '../database/control-plane.js';
import { quoteLiteral } from '../model/sql.js';
import { Turns } from '../platform/turns.js';

/**
 * Statements of changes that may take minutes: building an index, checking a constraint. They run two at a time, so that the
 * control plane's few connections are not all taken by them, and can be stopped when nobody wants their result any more.
 */
export class LongStatements {
  private readonly turns = new Turns(2);
  private readonly running = new Set<string>();

  constructor(private readonly controlPlane: ControlPlane) {}

  async run<T>(sql: string, work: () => Promise<T>): Promise<T> {
    return this.turns.run(async () => {
      this.running.add(sql);
      try {
        return await work();
      } finally {
        this.running.delete(sql);
      }
    });
  }

  /** They fail with 57014. By their text, because some run where no transaction could tell its backend. */
  async cancel(...only: readonly string[]): Promise<void> {
    const texts = [...this.running].filter((text) => only.length === 0 || only.includes(text));
    if (texts.length === 0) return;
    const heads = texts.map((text) => `left(${quoteLiteral(text)}, ${SHOWN})`);
    const statement = `select pg_cancel_backend(pid)
from pg_stat_activity
where usename = session_user
  and datname = current_database()
  and pid <> pg_backend_pid()
  and state = 'active'
  and left(query, ${SHOWN}) in (${heads.join(', ')})`;
    await this.controlPlane.platform(CANCELLING, (tx) => tx.asMigrator([statement]));
  }
}

/** Postgres shows the first 1,023 bytes of a statement; names of tenant, table and object are in its first characters. */
const SHOWN = 250;

const CANCELLING = { subject: 'business-store', roles: [], requestId: 'change-runner' };
