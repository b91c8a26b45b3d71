import { Gauge, type Registry } from 'prom-client';
import type { Checkpointer } from './checkpointer.js';
import type { Sealer } from './sealer.js';

/** What there is to watch of sealing and checkpoints, of all tenants together. */
export function chainMetrics(registry: Registry, sealer: Sealer, checkpointer: Checkpointer | null): void {
  const gauge = (name: string, help: string, read: () => number): void => {
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  gauge('audit_seal_failures', 'Attempts to seal that failed in a row; 0 is well.', () => sealer.failures);
  if (!checkpointer) return;
  const { state } = checkpointer;
  gauge('audit_sealed_events', 'Events sealed so far, of all tenants.', () => state.events);
  gauge('audit_checkpoint_number', 'Number of the last checkpoint.', () => state.number);
  gauge('audit_checkpoints_unsent', 'Checkpoints that their place has not taken yet.', () => state.unsent);
  gauge('audit_checkpoint_faults', '1: the trail is not what was signed before, and nothing is signed.', () => state.faults);
}
