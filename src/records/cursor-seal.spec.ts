import { randomBytes } from 'node:crypto';
import { CursorSeal } from './cursor-seal.js';

const key = (kid: string) => ({ kid, secret: randomBytes(32) });
const [OLD, NEW] = [key('old'), key('new')];
const TEXT = JSON.stringify(['Grüße', null, '😀']);

describe('CursorSeal', () => {
  const seal = new CursorSeal([OLD]);
  const cursor = seal.of('a list').seal(TEXT);

  it('refuses a cursor of another list, and of another key', () => {
    expect(seal.of('another list').open(cursor)).toBeNull();
    expect(new CursorSeal([NEW]).of('a list').open(cursor)).toBeNull();
  });

  it('refuses a cursor with any bit flipped, shortened or lengthened', () => {
    const bytes = Buffer.from(cursor, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(seal.of('a list').open(flipped.toString('base64url'))).toBeNull();
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(seal.of('a list').open(bytes.subarray(0, length).toString('base64url'))).toBeNull();
    }
    expect(seal.of('a list').open(Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'))).toBeNull();
  });

  it('refuses every other spelling of the same bytes', () => {
    for (const text of ['a', 'ab', 'abc']) {
      const made = seal.of('a list').seal(text);
      for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        const other = made.slice(0, -1) + character;
        expect(seal.of('a list').open(other)).toBe(other === made ? text : null);
      }
      for (const other of [`${made}=`, ` ${made}`, `${made}\n`, `${made.slice(0, 9)}*${made.slice(9)}`]) {
        expect(seal.of('a list').open(other)).toBeNull();
      }
    }
  });

  it('decodes nothing of what is too long', () => {
    const decode = jest.spyOn(Buffer, 'from');
    expect(seal.of('a list').open('A'.repeat(1_000_000))).toBeNull();
    expect(decode).not.toHaveBeenCalled();
    decode.mockRestore();
  });

  it('opens what it sealed', () => {
    expect(seal.of('a list').open(cursor)).toBe(TEXT);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(seal.of('a list').open(seal.of('a list').seal(''))).toBe('');
  });

  it('lets keys be changed: the first seals, all open', () => {
    const both = new CursorSeal([NEW, OLD]);
    expect(both.of('a list').open(cursor)).toBe(TEXT);
    const renewed = both.of('a list').seal(TEXT);
    expect(new CursorSeal([NEW]).of('a list').open(renewed)).toBe(TEXT);
    expect(seal.of('a list').open(renewed)).toBeNull();
  });

  it('shows nothing of the text, and never the same cursor twice', () => {
    expect(Buffer.from(cursor, 'base64url').includes('Grüße')).toBe(false);
    expect(seal.of('a list').seal(TEXT)).not.toBe(cursor);
  });
});
