import type { AuditSink } from './audit-publisher.js';

/** The places audit events can go, by the AUDIT_SINK setting; null: nowhere, and the markers stay. */
export function auditSink(setting: string): AuditSink | null {
  if (setting === 'none') return null;
  if (setting === 'stdout') return publishToStdout;
  return (events, signal) => publishToHttp(setting, events, signal);
}

/** One JSON line per event. */
const publishToStdout: AuditSink = (events) =>
  new Promise((resolve, reject) => {
    const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    process.stdout.write(lines, (error) => (error ? reject(error) : resolve()));
  });

/** CloudEvents HTTP binding, batched content mode. Any 2xx is taken as accepted. */
async function publishToHttp(url: string, events: Parameters<AuditSink>[0], signal: AbortSignal): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/cloudevents-batch+json' },
    body: JSON.stringify(events),
    redirect: 'error',
    signal: AbortSignal.any([signal, AbortSignal.timeout(10_000)]),
  });
  await response.arrayBuffer();
  if (!response.ok) throw new Error(`the audit sink answered ${response.status}`);
}
