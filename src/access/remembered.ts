/**
 * Answers by name, each for a time of its own, and never more of them than fit: the oldest goes first. No timers; what has run out is
 * dropped when it is looked for or pushed out by others.
 */
export class Remembered<T> {
  private readonly entries = new Map<string, { readonly value: T; readonly until: number }>();

  /** @param largest number of entries */
  constructor(private readonly largest: number) {}

  get(name: string): T | undefined {
    const entry = this.entries.get(name);
    if (entry === undefined || entry.until > Date.now()) return entry?.value;
    this.entries.delete(name);
    return undefined;
  }

  /** @param until milliseconds since the epoch */
  set(name: string, value: T, until: number): void {
    this.entries.delete(name);
    if (until <= Date.now()) return;
    if (this.entries.size >= this.largest) this.entries.delete(this.entries.keys().next().value as string);
    this.entries.set(name, { value, until });
  }
}
