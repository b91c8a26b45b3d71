/**
 * Lets so many calls to a key provider go on at once; the rest wait here, where no clock of a call runs yet, and not for longer than they
 * may. In order of arrival, but a quarter of the places is never one key's alone: a herd for one key, or a key that hangs, leaves room.
 */

/** As many as a key service is asked at once, and connections to it: so nothing waits behind this again. */
export const PLACES = 32;

interface Waiting {
  readonly keyRef: string;
  readonly go: () => void;
}

export class Places {
  private taken = 0;
  private readonly perKey: number;
  private readonly takenFor = new Map<string, number>();
  /** In order of arrival. */
  private readonly waiting = new Set<Waiting>();

  constructor(
    private readonly places: number,
    private readonly patienceMs: number,
  ) {
    this.perKey = Math.max(1, places - Math.ceil(places / 4));
  }

  /** @returns whether there was a place in time, which is the caller's until it leaves */
  take(keyRef: string): Promise<boolean> {
    if (this.isFree(keyRef)) {
      this.occupy(keyRef);
      return Promise.resolve(true);
    }
    return new Promise((resolve) => {
      const impatience = setTimeout(() => {
        this.waiting.delete(waiting);
        resolve(false);
      }, this.patienceMs);
      const waiting: Waiting = {
        keyRef,
        go: () => {
          clearTimeout(impatience);
          resolve(true);
        },
      };
      this.waiting.add(waiting);
    });
  }

  leave(keyRef: string): void {
    this.taken -= 1;
    const left = (this.takenFor.get(keyRef) ?? 0) - 1;
    if (left > 0) this.takenFor.set(keyRef, left);
    else this.takenFor.delete(keyRef);
    for (const waiting of this.waiting) {
      if (!this.isFree(waiting.keyRef)) continue;
      this.waiting.delete(waiting);
      this.occupy(waiting.keyRef);
      waiting.go();
      return;
    }
  }

  private isFree(keyRef: string): boolean {
    return this.taken < this.places && (this.takenFor.get(keyRef) ?? 0) < this.perKey;
  }

  private occupy(keyRef: string): void {
    this.taken += 1;
    this.takenFor.set(keyRef, (this.takenFor.get(keyRef) ?? 0) + 1);
  }
}
