import pg from 'pg';
import type { SystemTx } from './control-plane.js';

/**
 * Tells the other instances that something changed. A notification carries no data, so a forged one only causes one
 * harmless look; what changed is read from the tables. Listens on a connection of its own, never on a runtime pool.
 */

const CHANNEL = 'bss_wake_up';
const RECONNECT_MS = 1_000;

/** Delivered to the listeners when the transaction commits. */
export async function wakeOthers(tx: SystemTx): Promise<void> {
  await tx.manager.query(`notify ${CHANNEL}`);
}

export class WakeUp {
  private client: pg.Client | null = null;
  private timer: NodeJS.Timeout | null = null;
  private stopped = false;
  private readonly listeners = new Set<() => void>();

  constructor(
    private readonly controlUrl: string,
    private readonly onError: (error: Error) => void,
  ) {}

  onWake(listener: () => void): void {
    this.listeners.add(listener);
  }

  async start(): Promise<void> {
    const client = new pg.Client({
      connectionString: this.controlUrl,
      application_name: 'bss-wake-up',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    client.on('error', (error) => {
      this.onError(error);
      this.reconnect();
    });
    client.on('end', () => this.reconnect());
    client.on('notification', () => this.wake());
    await client.connect();
    try {
      await client.query(`listen ${CHANNEL}`);
    } catch (error) {
      // Such as on a standby, which refuses LISTEN: each attempt would leave a connection behind.
      await client.end();
      throw error;
    }
    // Stopped while it was connecting: nobody else would end it.
    if (this.stopped) return client.end();
    this.client = client;
    // Whatever was missed while nobody listened counts as changed.
    this.wake();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    if (this.timer) clearTimeout(this.timer);
    await this.client?.end();
  }

  private wake(): void {
    for (const listener of this.listeners) listener();
  }

  private reconnect(): void {
    if (this.stopped || this.timer) return;
    this.client = null;
    this.timer = setTimeout(() => {
      this.timer = null;
      this.start().catch((error: Error) => {
        this.onError(error);
        this.reconnect();
      });
    }, RECONNECT_MS);
    this.timer.unref();
  }
}
