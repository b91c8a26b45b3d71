import { hash } from 'node:crypto';

/** The Merkle tree over the heads of all tenants, and proofs that a head is in it (RFC 9162, section 2.1, with SHA-256). */

export interface Head {
  readonly tenantId: string;
  readonly seq: number;
  /** 32 bytes. */
  readonly hash: Buffer;
}

/** SHA-256 of 00, tenant (16 bytes), seq (8 bytes, big-endian), hash (32 bytes). */
export function leafHash(head: Head): Buffer {
  const bytes = Buffer.alloc(57);
  bytes.write(head.tenantId.replaceAll('-', ''), 1, 16, 'hex');
  bytes.writeBigInt64BE(BigInt(head.seq), 17);
  head.hash.copy(bytes, 25);
  return hash('sha256', bytes, 'buffer');
}

export class MerkleTree {
  /** From the leaves up; a node without a sibling is its own parent, which gives the shape of the RFC. */
  private readonly levels: readonly (readonly Buffer[])[];

  /** @param leaves hashes of the leaves, in their order; of none, the root is the hash of nothing */
  constructor(leaves: readonly Buffer[]) {
    const levels: (readonly Buffer[])[] = [leaves];
    for (let level = leaves; level.length > 1; ) {
      const above: Buffer[] = [];
      for (let i = 0; i < level.length; i += 2) {
        const [left, right] = [level[i] as Buffer, level[i + 1]];
        above.push(right === undefined ? left : nodeHash(left, right));
      }
      levels.push(above);
      level = above;
    }
    this.levels = levels;
  }

  get root(): Buffer {
    return this.levels.at(-1)?.[0] ?? hash('sha256', '', 'buffer');
  }

  /** The siblings on the way from leaf `index` up to the root. */
  proof(index: number): Buffer[] {
    const path: Buffer[] = [];
    let at = index;
    for (const level of this.levels) {
      const sibling = level[at ^ 1];
      if (sibling !== undefined) path.push(sibling);
      at >>>= 1;
    }
    return path;
  }
}

/** The root that a proof leads to (RFC 9162, 2.1.3.2); null when it does not fit a tree of this size. */
export function provenRoot(leaf: Buffer, index: number, size: number, path: readonly Buffer[]): Buffer | null {
  if (!(index >= 0 && index < size)) return null;
  let [node, at, last] = [leaf, index, size - 1];
  for (const sibling of path) {
    if (last === 0) return null;
    if (at % 2 === 1 || at === last) {
      node = nodeHash(sibling, node);
      while (at % 2 === 0 && at !== 0) [at, last] = [at >>> 1, last >>> 1];
    } else node = nodeHash(node, sibling);
    [at, last] = [at >>> 1, last >>> 1];
  }
  return last === 0 ? node : null;
}

function nodeHash(left: Buffer, right: Buffer): Buffer {
  return hash('sha256', Buffer.concat([NODE, left, right]), 'buffer');
}

const NODE = Buffer.from([1]);
