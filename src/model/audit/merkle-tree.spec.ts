import { createHash } from 'node:crypto';
import { leafHash, MerkleTree, provenRoot } from './merkle-tree.js';

const sha256 = (...parts: Buffer[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const leaves = (count: number): Buffer[] => Array.from({ length: count }, (_, n) => sha256(Buffer.from([0, n])));

/** MTH as the RFC defines it, which the tree computes level by level. */
function treeHash(hashes: readonly Buffer[]): Buffer {
  if (hashes.length <= 1) return hashes[0] ?? sha256();
  let split = 1;
  while (split * 2 < hashes.length) split *= 2;
  return sha256(Buffer.from([1]), treeHash(hashes.slice(0, split)), treeHash(hashes.slice(split)));
}

describe('the tree of heads', () => {
  it('has the root of RFC 9162, and each leaf a proof of it', () => {
    for (let size = 0; size <= 33; size++) {
      const tree = new MerkleTree(leaves(size));
      expect(tree.root).toEqual(treeHash(leaves(size)));
      for (const [index, leaf] of leaves(size).entries()) {
        expect(provenRoot(leaf, index, size, tree.proof(index))).toEqual(tree.root);
      }
    }
  });

  it('has no proof for another leaf, another place, another size, or a path that was cut or prolonged', () => {
    const size = 11;
    const tree = new MerkleTree(leaves(size));
    const [leaf, path] = [leaves(size)[4] as Buffer, tree.proof(4)];
    const reached = (...asked: Parameters<typeof provenRoot>): boolean => provenRoot(...asked)?.equals(tree.root) ?? false;
    expect(reached(leaf, 4, size, path)).toBe(true);
    expect(reached(leaves(size)[5] as Buffer, 4, size, path)).toBe(false);
    for (const index of [0, 3, 5, 10, 11, -1]) expect(reached(leaf, index, size, path)).toBe(false);
    for (const other of [4, 5, 17, 40]) expect(reached(leaf, 4, other, path)).toBe(false);
    expect(reached(leaf, 4, size, path.slice(1))).toBe(false);
    expect(reached(leaf, 4, size, [...path, leaf])).toBe(false);
  });

  it('has leaves that are of one tenant, one number and one hash', () => {
    const head = { tenantId: '01890000-0000-7000-8000-000000000001', seq: 7, hash: Buffer.alloc(32, 1) };
    const bytes = `00${'01890000000070008000000000000001'}${'0000000000000007'}${'01'.repeat(32)}`;
    expect(leafHash(head)).toEqual(sha256(Buffer.from(bytes, 'hex')));
  });
});
