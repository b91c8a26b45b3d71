import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform/log.js';
import { TenantDirectory } from '../tenants/tenant-directory.js';
import { type Candidate, TurnStore } from './turn-store.js';
import { WebhookSecrets } from './webhook-secrets.js';
import { WebhookTurns } from './webhook-turns.js';

/**
 * Gives webhooks with something to send their turns, in the background of the service: many at a time, few of one tenant, and in
 * turn, so that no receiver, however slow, keeps those of other tenants waiting. Several instances share the work.
 */

const MOST_AT_ONCE = 128;
const MOST_OF_A_TENANT = 4;

const LOOK_MS = 500;

/** How long a stopping service lets receivers answer; then what is under way is broken off. */
const LAST_ANSWERS_MS = 2_000;

@Injectable()
export class WebhookRunner implements OnApplicationBootstrap, OnModuleDestroy {
  /** By webhook. */
  private readonly inHand = new Map<string, { readonly tenantId: string; readonly turn: Promise<void> }>();
  private readonly breakOff = new AbortController();
  private looking: Promise<void> | null = null;
  private again = false;
  private timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly store: TurnStore,
    private readonly turns: WebhookTurns,
    private readonly secrets: WebhookSecrets,
    private readonly directory: TenantDirectory,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onApplicationBootstrap(): void {
    if (!this.secrets.areConfigured) return;
    this.timer = setInterval(() => this.look(), LOOK_MS);
    this.timer.unref();
    this.look();
  }

  /** Waits for the turns in hand, within limits. */
  async onModuleDestroy(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    await this.looking;
    const impatience = setTimeout(() => this.breakOff.abort(new Error('the service stops')), LAST_ANSWERS_MS);
    await Promise.all([...this.inHand.values()].map(({ turn }) => turn));
    clearTimeout(impatience);
  }

  private look(): void {
    this.again = true;
    this.looking ??= this.lookAround().finally(() => {
      this.looking = null;
    });
  }

  private async lookAround(): Promise<void> {
    try {
      while (this.again && this.timer) {
        this.again = false;
        const room = MOST_AT_ONCE - this.inHand.size;
        if (room === 0) return;
        const candidates = await this.store.candidates(room, this.tenantsWithEnough());
        if (this.timer) for (const candidate of candidates) this.begin(candidate);
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'webhooks could not be looked at and will be again');
    }
  }

  private begin({ tenantId, webhookId }: Candidate): void {
    if (this.inHand.has(webhookId) || this.countOf(tenantId) >= MOST_OF_A_TENANT) return;
    const turn = this.turn(tenantId, webhookId)
      .catch((err: unknown) => {
        // Its lease lapses, and somebody tries again.
        this.logger.warn({ err, tenantId, webhook: webhookId }, 'a turn of a webhook failed');
        return false;
      })
      .then((gotOn) => {
        this.inHand.delete(webhookId);
        // There may be more for it, or others that waited for the place.
        if (gotOn) this.look();
      });
    this.inHand.set(webhookId, { tenantId, turn });
  }

  private async turn(tenantId: string, webhookId: string): Promise<boolean> {
    const tenant = await this.directory.find(tenantId);
    return tenant?.status === 'active' && this.turns.take(tenant, webhookId, this.breakOff.signal);
  }

  private countOf(tenantId: string): number {
    return [...this.inHand.values()].filter((held) => held.tenantId === tenantId).length;
  }

  private tenantsWithEnough(): string[] {
    const tenants = new Set([...this.inHand.values()].map(({ tenantId }) => tenantId));
    return [...tenants].filter((tenantId) => this.countOf(tenantId) >= MOST_OF_A_TENANT);
  }
}
