import { createHash, type Hash } from 'node:crypto';

/**
 * Cuts a stream of bytes into records without reading them: at line ends, in CSV only at those outside quotes (RFC 4180). Holds
 * one record at most, and of one that is longer than the limit nothing but a digest.
 */

export type TransferFormat = 'ndjson' | 'csv';

export interface RawRecord {
  /** The lines it stands on, from 1. */
  readonly line: number;
  readonly lastLine: number;
  /** As it was sent, line end included. */
  readonly size: number;
  /** null when it is longer than the limit. */
  readonly bytes: Buffer | null;
  /** What stands for it where a stream is compared with another: its bytes, or 32 bytes of SHA-256. */
  readonly mark: Buffer;
}

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** Where in a CSV record the next byte stands. A quote opens a cell only at its beginning; within plain text it is text. */
type Place = 'start' | 'plain' | 'quoted' | 'closed';

export class RecordSplitter {
  private parts: Buffer[] = [];
  private size = 0;
  private digest: Hash | null = null;
  private place: Place = 'start';
  private line = 1;
  private lastLine = 1;

  constructor(
    private readonly format: TransferFormat,
    /** Longest record, in bytes. */
    private readonly limit: number,
  ) {}

  /** The records that end in the chunk. */
  push(chunk: Buffer): RawRecord[] {
    return this.format === 'csv' ? this.pushCsv(chunk) : this.pushLines(chunk);
  }

  /** What stands behind the last line end. */
  end(): RawRecord | null {
    return this.size === 0 ? null : this.cut();
  }

  private pushLines(chunk: Buffer): RawRecord[] {
    const records: RawRecord[] = [];
    let from = 0;
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, from)) {
      this.take(chunk.subarray(from, at + 1));
      records.push(this.cut());
      from = at + 1;
    }
    this.take(chunk.subarray(from));
    return records;
  }

  private pushCsv(chunk: Buffer): RawRecord[] {
    const records: RawRecord[] = [];
    let from = 0;
    let { place } = this;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at];
      if (place === 'quoted') {
        if (byte === QUOTE) place = 'closed';
        else if (byte === LINE_FEED) this.lastLine++;
      } else if (byte === QUOTE) {
        // Two in a row within quotes are one that belongs to the text.
        if (place !== 'plain') place = 'quoted';
      } else if (byte === LINE_FEED) {
        this.take(chunk.subarray(from, at + 1));
        records.push(this.cut());
        from = at + 1;
        place = 'start';
      } else {
        place = byte === COMMA ? 'start' : 'plain';
      }
    }
    this.place = place;
    this.take(chunk.subarray(from));
    return records;
  }

  private take(part: Buffer): void {
    if (part.length === 0) return;
    this.size += part.length;
    if (this.digest === null && this.size > this.limit) {
      this.digest = createHash('sha256');
      for (const earlier of this.parts) this.digest.update(earlier);
      this.parts = [];
    }
    if (this.digest === null) this.parts.push(part);
    else this.digest.update(part);
  }

  private cut(): RawRecord {
    const { line, lastLine, size, digest, parts } = this;
    const bytes = digest === null ? (parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)) : null;
    this.parts = [];
    this.size = 0;
    this.digest = null;
    this.place = 'start';
    this.line = lastLine + 1;
    this.lastLine = this.line;
    return { line, lastLine, size, bytes, mark: bytes ?? (digest as Hash).digest() };
  }
}
