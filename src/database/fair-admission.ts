/**
 * Who may go next where there are fewer places, such as connections, than requests. Each tenant has a queue of its own, and the queues
 * are served in turn. A tenant takes a place only while what it holds leaves some free for others in proportion, so that the fullest queue
 * of slow statements finds its bound before the pool does. Where nobody waits, it is a count and costs no turn of the loop.
 */

export interface AdmissionOptions {
  /** How many may be held at a time. */
  readonly places: number;
  /** Those one tenant may hold while the others hold none: 1 to `places`. */
  readonly share: number;
  /** Requests of one tenant that may wait. */
  readonly queue: number;
  /** Longest wait, milliseconds. */
  readonly patienceMs: number;
  readonly refusal: (reason: RefusalReason) => Error;
}

/** Too many of the tenant wait; it waited for its own requests to end; it waited for those of others. */
export type RefusalReason = 'queue-full' | 'share-taken' | 'places-taken';

interface Waiting {
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

interface Tenant {
  held: number;
  /** In order of arrival. */
  readonly waiting: Set<Waiting>;
}

export class FairAdmission {
  private free: number;
  private readonly reserve: number;
  /** Those who hold a place or wait for one. */
  private readonly tenants = new Map<string, Tenant>();
  /** Those who wait; whose turn is next comes first. */
  private readonly turns = new Set<Tenant>();
  private waitingCount = 0;

  constructor(private readonly options: AdmissionOptions) {
    this.free = options.places;
    this.reserve = options.places - options.share;
  }

  /** Requests that wait. */
  get waiting(): number {
    return this.waitingCount;
  }

  /**
   * Takes a place for the tenant: null when it has it at once, else what to wait for. Every place is given back by `leave`.
   * @throws what `refusal` makes, when too many wait or the wait gets too long
   */
  enter(name: string): Promise<void> | null {
    let tenant = this.tenants.get(name);
    if (!tenant) {
      tenant = { held: 0, waiting: new Set() };
      this.tenants.set(name, tenant);
    }
    if (tenant.waiting.size === 0 && this.mayTake(tenant)) {
      this.take(tenant);
      return null;
    }
    return this.queue(name, tenant);
  }

  leave(name: string): void {
    const tenant = this.tenants.get(name);
    if (!tenant || tenant.held === 0) throw new Error('a place was given back that nobody held');
    tenant.held -= 1;
    this.free += 1;
    this.forgetIdle(name, tenant);
    for (let next = this.next(); next; next = this.next()) this.serve(next);
  }

  /** Runs work on a place of the tenant's. @throws as `enter` does */
  async run<T>(name: string, work: () => Promise<T>): Promise<T> {
    const turn = this.enter(name);
    if (turn !== null) await turn;
    try {
      return await work();
    } finally {
      this.leave(name);
    }
  }

  /**
   * With k tenants that want all they can get, this leaves them about share : reserve of what is free each, so that there is a
   * free place for the next one to come (dynamic thresholds as for shared buffers: Choudhury and Hahne, 1998).
   */
  private mayTake(tenant: Tenant): boolean {
    return this.free > 0 && tenant.held * this.reserve < this.free * this.options.share && tenant.held < this.options.share;
  }

  private take(tenant: Tenant): void {
    tenant.held += 1;
    this.free -= 1;
  }

  private next(): Tenant | null {
    if (this.free === 0) return null;
    for (const tenant of this.turns) if (this.mayTake(tenant)) return tenant;
    return null;
  }

  private serve(tenant: Tenant): void {
    const [first] = tenant.waiting;
    if (!first) throw new Error('a tenant without a queue had a turn');
    this.turns.delete(tenant);
    this.dequeue(tenant, first);
    if (tenant.waiting.size > 0) this.turns.add(tenant);
    this.take(tenant);
    first.admit();
  }

  private queue(name: string, tenant: Tenant): Promise<void> {
    if (tenant.waiting.size >= this.options.queue) return Promise.reject(this.options.refusal('queue-full'));
    return new Promise((admit, refuse) => {
      const timer = setTimeout(() => this.giveUp(name, tenant, waiting), this.options.patienceMs);
      const waiting: Waiting = { admit, refuse, timer };
      tenant.waiting.add(waiting);
      this.turns.add(tenant);
      this.waitingCount += 1;
    });
  }

  private giveUp(name: string, tenant: Tenant, waiting: Waiting): void {
    this.dequeue(tenant, waiting);
    if (tenant.waiting.size === 0) this.turns.delete(tenant);
    const reason = tenant.held > 0 ? 'share-taken' : 'places-taken';
    this.forgetIdle(name, tenant);
    waiting.refuse(this.options.refusal(reason));
  }

  private dequeue(tenant: Tenant, waiting: Waiting): void {
    clearTimeout(waiting.timer);
    tenant.waiting.delete(waiting);
    this.waitingCount -= 1;
  }

  private forgetIdle(name: string, tenant: Tenant): void {
    if (tenant.held === 0 && tenant.waiting.size === 0) this.tenants.delete(name);
  }
}

/** The places that `percent` of all are: at least one, and all of them only at 100 or where there is but one. */
export function shareOf(places: number, percent: number): number {
  if (percent >= 100) return places;
  return Math.max(1, Math.min(places - 1, Math.floor((places * percent) / 100)));
}
