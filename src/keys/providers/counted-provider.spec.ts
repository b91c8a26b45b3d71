import { KeyFault, type KeyProvider } from '../key-provider.js';
import { countedProvider } from './counted-provider.js';

describe('a key provider that is counted', () => {
  const context = { tenantId: 'tenant', purpose: 'encrypt', version: 1 } as const;
  const provider: KeyProvider = {
    name: 'local',
    createKey: async () => 'ref',
    wrap: async () => Buffer.from('wrapped'),
    unwrap: async () => {
      throw new KeyFault('integrity', 'not ours');
    },
    rotateKey: async () => {
      throw new Error('unforeseen');
    },
    destroyKey: async () => ({ destroyed: true, detail: 'gone' }),
  };

  it('answers what it answers, fails as it fails, and tells how each request ended', async () => {
    const told: string[] = [];
    const counted = countedProvider(provider, (name, outcome) => told.push(`${name} ${outcome}`));
    expect(await counted.createKey('tenant')).toBe('ref');
    expect(await counted.wrap('ref', context, Buffer.alloc(32))).toEqual(Buffer.from('wrapped'));
    await expect(counted.unwrap('ref', context, Buffer.alloc(1))).rejects.toMatchObject({ kind: 'integrity' });
    await expect(counted.rotateKey('ref')).rejects.toThrow('unforeseen');
    expect(await counted.destroyKey('ref')).toEqual({ destroyed: true, detail: 'gone' });
    expect(told).toEqual(['local ok', 'local ok', 'local integrity', 'local unavailable', 'local ok']);
  });
});
