import { createHash, type Hash } from 'node:crypto';
import type { RawRecord } from '../model/transfer/split-records.js';

/** How far into a body an import is, and the SHA-256 of what came before: by a fingerprint of that the same body is known again. */
export class ImportPosition {
  private constructor(
    readonly lines: number,
    readonly bytes: number,
    private readonly hash: Hash,
  ) {}

  static start(): ImportPosition {
    return new ImportPosition(0, 0, createHash('sha256'));
  }

  /** Hex. */
  get digest(): string {
    return this.hash.copy().digest('hex');
  }

  /** Behind these records, which come next. */
  behind(records: readonly RawRecord[]): ImportPosition {
    const hash = this.hash.copy();
    let bytes = this.bytes;
    for (const { mark, size } of records) {
      hash.update(mark);
      bytes += size;
    }
    return new ImportPosition(records.at(-1)?.lastLine ?? this.lines, bytes, hash);
  }
}
