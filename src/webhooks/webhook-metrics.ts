import { Injectable } from '@nestjs/common';
import { Counter, Histogram } from 'prom-client';
import { Metrics } from '../platform/metrics.js';

/** How webhooks fare in all. No label names a tenant. */
@Injectable()
export class WebhookMetrics {
  private readonly deliveries: Counter;
  private readonly durations: Histogram;

  constructor({ registry }: Metrics) {
    this.deliveries = new Counter({
      name: 'webhook_deliveries_total',
      help: 'Attempts to deliver an event to a webhook: delivered, failed (to be tried again), dead (the last one failed).',
      labelNames: ['outcome'],
      registers: [registry],
    });
    for (const outcome of ['delivered', 'failed', 'dead']) this.deliveries.inc({ outcome }, 0);
    this.durations = new Histogram({
      name: 'webhook_delivery_duration_seconds',
      help: 'How long receivers took to answer, name lookup and connection included.',
      buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
      registers: [registry],
    });
  }

  observe(outcome: 'delivered' | 'failed' | 'dead', ms: number): void {
    this.deliveries.inc({ outcome });
    this.durations.observe(ms / 1_000);
  }
}
