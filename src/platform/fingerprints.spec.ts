import { createHash } from 'node:crypto';
import { Fingerprints } from './fingerprints.js';

const [ONE, TWO] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)];
const of = new Fingerprints([ONE]);

describe('a fingerprint', () => {
  it('cannot be made without the secret', () => {
    const made = of.of('request', 'ssn=eq.1');
    expect(made).toMatch(/^[0-9a-f]{64}$/);
    expect(made).not.toBe(new Fingerprints([TWO]).of('request', 'ssn=eq.1'));
    for (const plain of ['ssn=eq.1', 'requestssn=eq.1', '["request","ssn=eq.1"]']) {
      expect(made).not.toBe(createHash('sha256').update(plain).digest('hex'));
    }
  });

  it('is of one kind and of these parts alone', () => {
    const all = [of.of('a', 'b'), of.of('a', 'c'), of.of('b', 'b'), of.of('a', 'b', ''), of.of('a', 'b', 'c'), of.of('a', 'bc')];
    expect(new Set(all).size).toBe(all.length);
    expect(of.of('a', 'b')).toBe(all[0]);
  });

  it('is known again while the secret is changed', () => {
    const before = of.of('a', 'b');
    const changed = new Fingerprints([TWO, ONE]);
    expect(changed.of('a', 'b')).not.toBe(before);
    expect(changed.allOf('a', 'b')).toEqual([changed.of('a', 'b'), before]);
  });
});
