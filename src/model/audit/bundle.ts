import { type ChainedEvent, GENESIS, isSealedHash, isSealedId } from './chain-hash.js';
import type { ChainReport, FoundCheckpoint, Position } from './chain-report.js';
import { ChainVerifier } from './chain-verifier.js';
import type { SentCheckpoints } from './sent-checkpoints.js';
import type { PublicKey } from './signing-key.js';

/**
 * A trail as a file, one JSON object a line: a header, the events in the order of their numbers, each checkpoint behind the
 * event it vouches for, and an end, without which it is not whole. Verified with nothing else than public keys, and better with
 * the checkpoints that were sent.
 */

export const BUNDLE_FORMAT = 'business-store-audit/1';

export interface BundleHeader {
  readonly type: 'header';
  readonly format: typeof BUNDLE_FORMAT;
  readonly tenantId: string;
  /** RFC 3339. */
  readonly exportedAt: string;
  /** What comes before the first event: it has ended by retention, or there is nothing. */
  readonly after: Position;
  /** Before when everything that was sealed has ended; null: nothing has. */
  readonly endedBefore: string | null;
  /** Names of the keys that checkpoints are signed with. */
  readonly keys: readonly string[];
}

/** All that is hashed but the tenant, which is the header's; the body is JSON as it was written. */
export interface BundleEvent extends ChainedEvent {
  readonly type: 'event';
  readonly seq: number;
  /** Hex. */
  readonly hash: string;
}

export type BundleCheckpoint = { readonly type: 'checkpoint' } & FoundCheckpoint;

export type BundleEnd = { readonly type: 'end' } & Position;

export type BundleLine = BundleHeader | BundleEvent | BundleCheckpoint | BundleEnd;

/** What was going on when a checkpoint was taken, or the bundle made, may not be in it. */
const SLACK_MS = 60_000;

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/;

/** Milliseconds since 1970; null: it is not written as a time, though Date might make one of it. */
function timeOf(text: string | null): number | null {
  const time = TIME.test(text ?? '') ? Date.parse(text as string) : Number.NaN;
  return Number.isNaN(time) ? null : time;
}

export class BundleVerifier {
  private header: BundleHeader | null = null;
  private chain: ChainVerifier | null = null;
  private end: Position | null = null;
  private lastCheckpoint = 0;
  /** Of the first event; null: there is none. */
  private firstTime: string | null = null;

  /** @param sent null: the file is believed where it says which checkpoints there are */
  constructor(
    private readonly keys: readonly PublicKey[],
    private readonly sent: SentCheckpoints | null,
  ) {}

  /** @throws when it is no line of a bundle, or stands where it cannot */
  line(text: string): void {
    const line = JSON.parse(text) as BundleLine;
    if (this.end) throw new Error('the bundle goes on behind its end');
    if (line.type === 'header') this.begin(line);
    else if (!this.chain) throw new Error('the file is no audit bundle: it does not begin with a header');
    else if (line.type === 'event') this.event(this.chain, line);
    else if (line.type === 'checkpoint') this.checkpoint(this.chain, line);
    else if (line.type === 'end') this.end = line;
    else throw new Error('the bundle has a line of a kind that is not known');
  }

  private begin(header: BundleHeader): void {
    if (this.header || header.format !== BUNDLE_FORMAT) throw new Error(`the file is no audit bundle of ${BUNDLE_FORMAT}`);
    this.header = header;
    const { tenantId, exportedAt, after, endedBefore } = header;
    // Which checkpoints are owed is reckoned from it.
    if (timeOf(exportedAt) === null) throw new Error('the bundle does not say when it was exported');
    if (!isSealedId(tenantId) || !isSealedHash(after.hash) || !Number.isSafeInteger(after.seq) || after.seq < 0)
      throw new Error('the bundle does not say of which tenant it is, or where it begins');
    this.chain = new ChainVerifier(tenantId, after, this.keys);
    if (after.seq === 0 && after.hash !== GENESIS.toString('hex'))
      this.chain.blame(1, 'edited', 'a chain begins with 32 zero bytes, and this one does not');
    if (after.seq > 0 && (timeOf(endedBefore) ?? Number.POSITIVE_INFINITY) > Date.parse(exportedAt))
      this.chain.blame(1, 'deleted', `nothing says why events up to ${after.seq} are not there`);
  }

  private event(chain: ChainVerifier, event: BundleEvent): void {
    chain.event({ seq: event.seq, hash: event.hash, event });
    this.firstTime ??= event.occurredAt;
  }

  private checkpoint(chain: ChainVerifier, found: BundleCheckpoint): void {
    chain.checkpointed(found);
    this.lastCheckpoint = Math.max(this.lastCheckpoint, found.number);
    if (this.sent && !this.sent.agreesWith(found.number, found.jws)) {
      chain.blame(found.seq, 'forged-checkpoint', `checkpoint ${found.number} is not the one that was sent`);
    }
  }

  /** @throws when there was no header */
  finish(): ChainReport & { readonly header: BundleHeader } {
    const { chain, header, end } = this;
    if (!chain || !header) throw new Error('the file is no audit bundle: it is empty');
    const next = chain.position.seq + 1;
    if (!end) chain.blame(next, 'truncated', 'the bundle has no end');
    const missing = this.sent?.lastUntil(Date.parse(header.exportedAt) - SLACK_MS);
    if (missing && missing.number > this.lastCheckpoint && this.isOwed(missing.time)) {
      chain.blame(next, 'missing-checkpoint', `checkpoint ${missing.number} was sent before the export and is not in it`);
    }
    return { ...chain.end(end ?? chain.position), header };
  }

  /** A trail that began after the last checkpoint is in none of them. */
  private isOwed(time: number): boolean {
    return this.lastCheckpoint > 0 || this.firstTime === null || Date.parse(this.firstTime) <= time - SLACK_MS;
  }
}
