/** Work that is done when the process starts and every so often from then on, and that is not left half done when it stops. */
export class Periodic {
  private timer: NodeJS.Timeout | null = null;
  private running: Promise<unknown> = Promise.resolve();
  private stopping = false;

  /** @param everyMs milliseconds @param onError hears of work that failed; the next time comes all the same */
  constructor(
    private readonly everyMs: number,
    private readonly work: () => Promise<unknown>,
    private readonly onError: (error: unknown) => void,
  ) {}

  /** For work in many steps: it shall come to its end soon. */
  get isStopping(): boolean {
    return this.stopping;
  }

  start(): void {
    const run = (): void => {
      this.running = this.work().catch(this.onError);
    };
    this.timer = setInterval(run, this.everyMs);
    this.timer.unref();
    run();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.timer) clearInterval(this.timer);
    await this.running;
  }
}
