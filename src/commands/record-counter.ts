/** Counts the records of a stream as it passes: line ends, of CSV those outside quotes and without that of the header. */
export class RecordCounter {
  private count: number;
  private quoted = false;

  constructor(private readonly format: 'ndjson' | 'csv') {
    this.count = format === 'csv' ? -1 : 0;
  }

  /** How many have ended so far. */
  push(chunk: Buffer): number {
    for (const byte of chunk) {
      if (byte === 0x22 && this.format === 'csv') this.quoted = !this.quoted;
      else if (byte === 0x0a && !this.quoted) this.count++;
    }
    return Math.max(this.count, 0);
  }
}
