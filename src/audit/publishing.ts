import { Counter, Gauge, type Registry } from 'prom-client';
import { type ContextKeys, ControlPlane } from '../database/control-plane.js';
import type { Logger } from '../platform/log.js';
import { AuditPublisher, type PublisherSettings } from './audit-publisher.js';
import type { AuditSink } from './audit-sink.js';
import { readSinkStatus, type SinkStatus } from './publishing-status.js';
import { PUBLISHER } from './publishing-turn.js';

/**
 * All publishing of an instance: a publisher for each place, on connections of their own, since definitions may hold those of the
 * control plane for minutes; and what is told of it to whoever scrapes metrics.
 */

/** What is scraped is not older. */
const FRESH_MS = 5_000;

export interface PublishingOptions {
  readonly controlUrl: string;
  readonly contextKeys: ContextKeys;
  readonly sinks: readonly AuditSink[];
  readonly settings: PublisherSettings;
  readonly logger: Logger;
  readonly registry: Registry;
}

export class Publishing {
  private publishers: readonly AuditPublisher[] = [];
  private readonly plane: ControlPlane;
  private status: { readonly at: number; readonly rows: Promise<SinkStatus[]> } | null = null;

  constructor(private readonly options: PublishingOptions) {
    const { controlUrl: url, contextKeys, sinks } = options;
    // One for each, and one for whose turn it is.
    this.plane = new ControlPlane({ url, contextKeys, entities: [], poolSize: sinks.length + 1 });
  }

  /** Resolves once every place is noted as in use: what has not been published to it is not dropped from then on. */
  async start(): Promise<void> {
    const { sinks, settings, logger } = this.options;
    if (sinks.length === 0) return;
    await this.plane.connect();
    const published = this.metrics();
    this.publishers = sinks.map((sink) => {
      const count = published.labels({ sink: sink.name });
      return new AuditPublisher(this.plane, sink, settings, logger, (events) => count.inc(events));
    });
    for (const publisher of this.publishers) await publisher.start();
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.publishers.map((publisher) => publisher.stop()));
    await this.plane.close();
  }

  private metrics(): Counter<'sink'> {
    const { registry } = this.options;
    const labels = { labelNames: ['sink'] as const, registers: [registry] };
    const gauge = (name: string, help: string, of: (status: SinkStatus) => number): void => {
      const set = async (into: Gauge<'sink'>): Promise<void> => {
        for (const row of await this.ownStatus()) into.set({ sink: row.sink }, of(row));
      };
      new Gauge({
        ...{ name, help, ...labels },
        // Without the database, what was known last is told.
        collect() {
          return set(this).catch(() => {});
        },
      });
    };
    gauge(
      'audit_publish_lag_seconds',
      'Since when the oldest event waits that is to be published, parked tenants aside.',
      (row) => Number(row.lag_seconds),
    );
    gauge('audit_parked_tenants', 'Tenants whose next event a place refuses, while it takes those of others.', (row) =>
      Number(row.parked_tenants),
    );
    return new Counter({ name: 'audit_published_total', help: 'Audit events that a place took from this instance.', ...labels });
  }

  private async ownStatus(): Promise<SinkStatus[]> {
    if (!this.status || performance.now() - this.status.at > FRESH_MS) {
      this.status = { at: performance.now(), rows: this.plane.platform(PUBLISHER, readSinkStatus) };
    }
    const names = new Set(this.options.sinks.map(({ name }) => name));
    return (await this.status.rows).filter(({ sink }) => names.has(sink));
  }
}
