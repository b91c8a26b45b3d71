import { Injectable } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Metrics } from '../platform/metrics.js';

/** Work on keys in all. No label names a tenant. */
@Injectable()
export class KeyJobMetrics {
  private readonly running: Gauge;
  private readonly rewritten: Counter;

  constructor({ registry }: Metrics) {
    this.running = new Gauge({
      name: 'bss_key_jobs_running',
      help: 'Rotations and moves of tenants’ keys that this instance works on.',
      registers: [registry],
    });
    this.rewritten = new Counter({
      name: 'bss_cells_rewritten_total',
      help: 'Stored values that were encrypted again under newer keys.',
      registers: [registry],
    });
  }

  began(): void {
    this.running.inc();
  }

  ended(): void {
    this.running.dec();
  }

  rewrote(cells: number): void {
    this.rewritten.inc(cells);
  }
}
