import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** Why somebody was not let in: nothing was sent, or not clearly; it was not good; or nobody could tell. */
const AUTH_FAILURES = ['missing', 'ambiguous', 'invalid_token', 'expired_token', 'invalid_api_key', 'unavailable'] as const;

export type AuthFailure = (typeof AUTH_FAILURES)[number];

const KEY_FAULTS = ['unavailable', 'denied', 'integrity', 'destroyed'] as const;

/** What the operator may scrape: no label ever names a tenant, since counts of one tenant are not another's business. */
export class Metrics {
  readonly registry = new Registry();

  private readonly requests = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'Requests by method, route and status (OpenTelemetry: http.server.request.duration).',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [this.registry],
  });

  private readonly authFailures = new Counter({
    name: 'auth_failures_total',
    help: 'Requests whose sender could not be authenticated, by reason.',
    labelNames: ['reason'],
    registers: [this.registry],
  });

  private readonly denials = new Counter({
    name: 'access_denied_total',
    help: 'Requests that were refused because of who sent them, by the operation of their route.',
    labelNames: ['operation'],
    registers: [this.registry],
  });

  private readonly keyRequests = new Counter({
    name: 'bss_key_requests_total',
    help: 'Requests to key providers, by how they ended.',
    labelNames: ['provider', 'outcome'],
    registers: [this.registry],
  });

  private readonly keyFaults = new Counter({
    name: 'bss_key_faults_total',
    help: 'Requests to key providers that failed: denied and integrity are for somebody to look at, at once.',
    labelNames: ['provider', 'kind'],
    registers: [this.registry],
  });

  private readonly integrityFailures = new Counter({
    name: 'bss_integrity_failures_total',
    help: 'Encrypted values that were met and are not what was stored there.',
    registers: [this.registry],
  });

  constructor(pool: { readonly load: { total: number; idle: number; waiting: number } }) {
    collectDefaultMetrics({ register: this.registry });
    // From 0 on, so that a first failure is an increase.
    for (const reason of AUTH_FAILURES) this.authFailures.inc({ reason }, 0);
    new Gauge({
      name: 'database_pool_connections',
      help: 'Connections for tenant traffic, by state; waiting are requests without one.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        const { total, idle, waiting } = pool.load;
        this.set({ state: 'idle' }, idle);
        this.set({ state: 'used' }, total - idle);
        this.set({ state: 'waiting' }, waiting);
      },
    });
  }

  observeRequest(method: string, route: string, status: number, seconds: number): void {
    this.requests.observe({ method, route, status }, seconds);
  }

  countAuthFailure(reason: AuthFailure): void {
    this.authFailures.inc({ reason });
  }

  /** From 0 on, so that a first failure is an increase. */
  expectKeyProvider(provider: string): void {
    for (const kind of KEY_FAULTS) this.keyFaults.inc({ provider, kind }, 0);
  }

  /** @param outcome `ok`, or the kind of the fault */
  countKeyRequest(provider: string, outcome: string): void {
    this.keyRequests.inc({ provider, outcome });
    if (outcome !== 'ok') this.keyFaults.inc({ provider, kind: outcome });
  }

  countIntegrityFailure(): void {
    this.integrityFailures.inc();
  }

  countDenial(operation: string): void {
    this.denials.inc({ operation });
  }
}
