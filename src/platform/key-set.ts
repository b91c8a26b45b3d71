/**
 * Sets of 64-bit hashes in eight bytes each and what is free between them: half a gigabyte less than a Set of ten million texts. All
 * that share a memory grow until it is used up; what comes then is not remembered.
 */

/** Two 32-bit halves of a slot; both 0 is an empty one. */
const SLOT_WIDTH = 2;

const FIRST_SLOTS = 1_024;

/** More, and looking for what is not there takes ever longer. */
const FULLEST = 0.7;

export class KeyMemory {
  /** @param slots of eight bytes */
  constructor(private slots: number) {}

  take(slots: number): boolean {
    if (slots > this.slots) return false;
    this.slots -= slots;
    return true;
  }

  give(slots: number): void {
    this.slots += slots;
  }
}

export class KeySet {
  private table = new Int32Array(0);
  private size = 0;

  constructor(private readonly memory: KeyMemory) {}

  has(hash: bigint): boolean {
    if (this.size === 0) return false;
    const [high, low] = halves(hash);
    const at = this.find(this.table, high, low);
    return this.table[at] !== 0 || this.table[at + 1] !== 0;
  }

  /** False when there is no memory left for it. */
  add(hash: bigint): boolean {
    if (!this.hasRoom() && !this.grow()) return false;
    const [high, low] = halves(hash);
    const at = this.find(this.table, high, low);
    if (this.table[at] !== 0 || this.table[at + 1] !== 0) return true;
    this.table[at] = high;
    this.table[at + 1] = low;
    this.size += 1;
    return true;
  }

  /** Gives the memory back. */
  clear(): void {
    this.memory.give(this.table.length / SLOT_WIDTH);
    this.table = new Int32Array(0);
    this.size = 0;
  }

  private hasRoom(): boolean {
    return this.size + 1 <= (this.table.length / SLOT_WIDTH) * FULLEST;
  }

  /** Old and new stand side by side for a moment; counted is what stays. */
  private grow(): boolean {
    const slots = this.table.length / SLOT_WIDTH;
    const more = slots === 0 ? FIRST_SLOTS : slots;
    if (!this.memory.take(more)) return false;
    const table = new Int32Array((slots + more) * SLOT_WIDTH);
    for (let from = 0; from < this.table.length; from += SLOT_WIDTH) {
      const [high, low] = [this.table[from] as number, this.table[from + 1] as number];
      if (high === 0 && low === 0) continue;
      const at = this.find(table, high, low);
      table[at] = high;
      table[at + 1] = low;
    }
    this.table = table;
    return true;
  }

  /** Where it is, or the free place where it would be. */
  private find(table: Int32Array, high: number, low: number): number {
    const last = table.length - SLOT_WIDTH;
    // The number of slots is a power of two.
    for (let at = (low * SLOT_WIDTH) & last; ; at = (at + SLOT_WIDTH) & last) {
      const [a, b] = [table[at], table[at + 1]];
      if ((a === high && b === low) || (a === 0 && b === 0)) return at;
    }
  }
}

/** 0 is that of an empty slot: it shares a place with 1. */
function halves(hash: bigint): [high: number, low: number] {
  const high = Number(BigInt.asIntN(32, hash >> 32n));
  const low = Number(BigInt.asIntN(32, hash));
  return high === 0 && low === 0 ? [0, 1] : [high, low];
}
