import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { newDataKey, openDataKey, rewrapDataKey } from './data-keys.js';
import { type KeyContext, KeyFault, type KeyProvider } from './key-provider.js';

const CONTEXT: KeyContext = { tenantId: '0190f3c0-7a1e-7c3b-8f00-000000000001', purpose: 'encrypt', version: 1 };

/** Wraps by keeping: what it hands over later is what the test says. */
class Shelf implements KeyProvider {
  readonly name = 'local';
  readonly kept: Buffer[] = [];
  /** What was handed in, and not copied. */
  readonly given: Buffer[] = [];
  handsOver: (kept: Buffer) => Buffer = (kept) => kept;

  async createKey(): Promise<string> {
    return 'ref';
  }

  async wrap(_ref: string, _context: KeyContext, key: Buffer): Promise<Buffer> {
    this.given.push(key);
    this.kept.push(Buffer.from(key));
    return Buffer.from([this.kept.length - 1]);
  }

  async unwrap(_ref: string, _context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    const key = this.handsOver(Buffer.from(this.kept[wrapped[0] as number] as Buffer));
    this.given.push(key);
    return key;
  }

  async rotateKey(): Promise<void> {}

  async destroyKey() {
    return { destroyed: true, detail: 'It is gone.' };
  }
}

describe('a data key is refused', () => {
  const others: [string, (kept: Buffer) => Buffer][] = [
    ['32 other bytes', () => randomBytes(32)],
    ['one bit off', (kept) => Buffer.from([(kept[0] as number) ^ 1, ...kept.subarray(1)])],
    ['31 of its bytes', (kept) => kept.subarray(1)],
    ['33 bytes', (kept) => Buffer.concat([kept, Buffer.alloc(1)])],
    ['nothing', () => Buffer.alloc(0)],
  ];
  it.each(others)('where the provider hands over %s', async (_name, handsOver) => {
    const shelf = new Shelf();
    const wrapped = await newDataKey(shelf, 'ref', CONTEXT);
    shelf.handsOver = handsOver;
    await expect(openDataKey(shelf, 'ref', CONTEXT, wrapped)).rejects.toMatchObject({ name: 'KeyFault', kind: 'integrity' });
    await expect(
      rewrapDataKey({ provider: shelf, keyRef: 'ref' }, { provider: shelf, keyRef: 'ref' }, CONTEXT, wrapped),
    ).rejects.toThrow(KeyFault);
    expect(shelf.kept).toHaveLength(1);
  });

  const contexts: [string, Partial<KeyContext>][] = [
    ['another tenant', { tenantId: '0190f3c0-7a1e-7c3b-8f00-000000000002' }],
    ['another purpose', { purpose: 'index' }],
    ['another version', { version: 2 }],
  ];
  it.each(contexts)('as that of %s, even where the provider lets it through', async (_name, other) => {
    const shelf = new Shelf();
    const wrapped = await newDataKey(shelf, 'ref', CONTEXT);
    await expect(openDataKey(shelf, 'ref', { ...CONTEXT, ...other }, wrapped)).rejects.toMatchObject({ kind: 'integrity' });
  });
});

describe('a data key', () => {
  it('is 32 bytes by chance, and opens as what was wrapped', async () => {
    const shelf = new Shelf();
    const [one, two] = [await newDataKey(shelf, 'ref', CONTEXT), await newDataKey(shelf, 'ref', CONTEXT)];
    expect(shelf.kept.map(({ length }) => length)).toEqual([32, 32]);
    expect(shelf.kept[0]?.equals(shelf.kept[1] as Buffer)).toBe(false);
    expect(one.commitment.equals(two.commitment)).toBe(false);
    expect((await openDataKey(shelf, 'ref', CONTEXT, one)).export().equals(shelf.kept[0] as Buffer)).toBe(true);
  });

  it('is the same when another has wrapped it', async () => {
    const [here, there] = [new Shelf(), new Shelf()];
    const wrapped = await newDataKey(here, 'ref', CONTEXT);
    const again = await rewrapDataKey({ provider: here, keyRef: 'ref' }, { provider: there, keyRef: 'ref' }, CONTEXT, wrapped);
    const opened = await openDataKey(there, 'ref', CONTEXT, { ...wrapped, wrapped: again });
    expect(opened.export().equals(here.kept[0] as Buffer)).toBe(true);
  });

  it('leaves no copy of itself in the buffers that went to and fro, nor in what is printed', async () => {
    const shelf = new Shelf();
    const wrapped = await newDataKey(shelf, 'ref', CONTEXT);
    const key = await openDataKey(shelf, 'ref', CONTEXT, wrapped);
    shelf.handsOver = (kept) => Buffer.concat([kept, Buffer.alloc(1)]);
    await openDataKey(shelf, 'ref', CONTEXT, wrapped).catch(() => null);
    expect(shelf.given.map((buffer) => buffer.every((byte) => byte === 0))).toEqual([true, true, true]);
    const hex = shelf.kept[0]?.toString('hex').match(/../g) as string[];
    for (const each of [key, wrapped]) expect(inspect(each, { depth: null })).not.toContain(hex.slice(0, 4).join(' '));
  });
});
