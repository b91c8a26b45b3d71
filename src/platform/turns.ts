/** Lets so many do something at once and the rest wait in order of arrival. Used where more at once only holds more memory. */
export class Turns {
  private taken = 0;
  private readonly waiting: (() => void)[] = [];

  constructor(private readonly limit: number) {}

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.taken < this.limit) this.taken++;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
    try {
      return await work();
    } finally {
      // The turn goes to the next as it is, so that nobody who has just arrived slips in between.
      const next = this.waiting.shift();
      if (next) next();
      else this.taken--;
    }
  }
}
