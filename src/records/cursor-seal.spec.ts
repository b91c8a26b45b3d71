import { randomBytes } from 'node:crypto';
import { CursorSeal } from './cursor-seal.js';

const key = (kid: string) => ({ kid, secret: randomBytes(32) });
const [OLD, NEW] = [key('old'), key('new')];
const TEXT = JSON.stringify(['Grüße', null, '😀']);

describe('CursorSeal', () => {
  const seal = new CursorSeal([OLD]);
  const cursor = seal.seal('a list', TEXT);

  it('refuses a cursor of another list, and of another key', () => {
    expect(seal.open('another list', cursor)).toBeNull();
    expect(new CursorSeal([NEW]).open('a list', cursor)).toBeNull();
  });

  it('refuses a cursor with any bit flipped, shortened or lengthened', () => {
    const bytes = Buffer.from(cursor, 'base64url');
    for (let bit = 0; bit < bytes.length * 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      expect(seal.open('a list', flipped.toString('base64url'))).toBeNull();
    }
    for (let length = 0; length < bytes.length; length++) {
      expect(seal.open('a list', bytes.subarray(0, length).toString('base64url'))).toBeNull();
    }
    expect(seal.open('a list', Buffer.concat([bytes, Buffer.alloc(1)]).toString('base64url'))).toBeNull();
  });

  it('refuses every other spelling of the same bytes', () => {
    for (const text of ['a', 'ab', 'abc']) {
      const made = seal.seal('a list', text);
      for (const character of 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_') {
        const other = made.slice(0, -1) + character;
        expect(seal.open('a list', other)).toBe(other === made ? text : null);
      }
      for (const other of [`${made}=`, ` ${made}`, `${made}\n`, `${made.slice(0, 9)}*${made.slice(9)}`]) {
        expect(seal.open('a list', other)).toBeNull();
      }
    }
  });

  it('decodes nothing of what is too long', () => {
    const decode = jest.spyOn(Buffer, 'from');
    expect(seal.open('a list', 'A'.repeat(1_000_000))).toBeNull();
    expect(decode).not.toHaveBeenCalled();
    decode.mockRestore();
  });

  it('opens what it sealed', () => {
    expect(seal.open('a list', cursor)).toBe(TEXT);
    expect(cursor).toMatch(/^[A-Za-z0-9_-]+$/);
    expect(seal.open('a list', seal.seal('a list', ''))).toBe('');
  });

  it('lets keys be changed: the first seals, all open', () => {
    const both = new CursorSeal([NEW, OLD]);
    expect(both.open('a list', cursor)).toBe(TEXT);
    const renewed = both.seal('a list', TEXT);
    expect(new CursorSeal([NEW]).open('a list', renewed)).toBe(TEXT);
    expect(seal.open('a list', renewed)).toBeNull();
  });

  it('shows nothing of the text, and never the same cursor twice', () => {
    expect(Buffer.from(cursor, 'base64url').includes('Grüße')).toBe(false);
    expect(seal.seal('a list', TEXT)).not.toBe(cursor);
  });
});
