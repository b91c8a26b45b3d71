import { commitmentTo, isCommitment, newSalt, opens } from './commitment.js';

describe('a commitment', () => {
  it('is opened by no other value and no other salt', () => {
    const salt = newSalt();
    const commitment = commitmentTo(salt, { b: 1, a: 'x' });
    expect(opens(commitment, [salt.toString('base64url'), { b: 1, a: 'y' }])).toBe(false);
    expect(opens(commitment, [newSalt().toString('base64url'), { b: 1, a: 'x' }])).toBe(false);
    expect(opens(commitment, [salt.toString('base64url'), { a: 'x', b: 1 }])).toBe(true);
  });

  it('is the digest that its definition says', () => {
    // printf 'bss:commitment:1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"ada"' | sha256sum
    expect(commitmentTo(Buffer.alloc(16), 'ada').commitment).toBe(
      'sha256:afceedca3aedfe4adbd39acdffe6e921c74ee69c3be742eb8748337ed5616dc6',
    );
  });

  it('is told from values that look like one', () => {
    const commitment = commitmentTo(newSalt(), 1);
    expect(isCommitment({ ...commitment })).toBe(true);
    expect(isCommitment({ ...commitment, sealed: true })).toBe(true);
    for (const other of [
      null,
      'sha256:00',
      { commitment: 'sha256:00' },
      { ...commitment, sealed: true, more: 1 },
      { ...commitment, more: 1 },
      { ...commitment, sealed: false },
      [{ ...commitment }],
    ]) {
      expect(isCommitment(other as never)).toBe(false);
    }
  });
});
