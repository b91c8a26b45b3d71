import { type Checkpoint, checkpointDigest, claimedCheckpoint, verifiedCheckpoint } from './checkpoint.js';
import type { PublicKey } from './signing-key.js';

/**
 * The checkpoints that were sent out, as the place outside of the database has them: in any order, some of them more than once.
 * Each names the one before by its hash, so that the signature of the last vouches for all.
 */
export class SentCheckpoints {
  private readonly known = new Map<
    number,
    { readonly digest: string; readonly previous: string | null; readonly time: number }
  >();
  private lastJws = '';
  private first = Number.POSITIVE_INFINITY;
  /** The highest number; 0: there is none. */
  last = 0;

  /** @throws when it is no checkpoint, or another of the same number was sent */
  add(jws: string): void {
    const said = claimedCheckpoint(jws);
    if (!said) throw new Error('something among the checkpoints is none');
    const digest = checkpointDigest(jws);
    const former = this.known.get(said.number);
    if (former && former.digest !== digest) {
      throw new Error(`two checkpoints with the number ${said.number} were sent: the trail was set back in between`);
    }
    this.known.set(said.number, { digest, previous: said.previous, time: Date.parse(said.time) });
    this.first = Math.min(this.first, said.number);
    if (said.number > this.last) [this.last, this.lastJws] = [said.number, jws];
  }

  /**
   * @throws when one is missing between the first and the last, does not follow from the one before, or the last is not signed
   */
  check(keys: readonly PublicKey[]): Checkpoint | null {
    if (this.last === 0) return null;
    for (const [number, { previous }] of this.known) {
      const before = this.known.get(number - 1);
      if (before ? before.digest !== previous : this.first !== number) {
        throw new Error(`checkpoint ${number} does not follow from the one before it`);
      }
    }
    const said = verifiedCheckpoint(this.lastJws, keys);
    if (!said) throw new Error(`none of the public keys has signed checkpoint ${this.last}`);
    return said;
  }

  /** False also for a number that is not among them while later ones are. */
  agreesWith(number: number, jws: string): boolean {
    if (number > this.last || number < this.first) return true;
    return this.known.get(number)?.digest === checkpointDigest(jws);
  }

  /** The last that was taken by then; times are milliseconds since 1970. */
  lastUntil(time: number): { readonly number: number; readonly time: number } | null {
    let found: { number: number; time: number } | null = null;
    for (const [number, said] of this.known) {
      if (said.time <= time && number > (found?.number ?? 0)) found = { number, time: said.time };
    }
    return found;
  }
}
