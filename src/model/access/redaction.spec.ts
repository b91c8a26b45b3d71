import { createSecretKey } from 'node:crypto';
import { redactedJson, stricter } from './redaction.js';

const key = (byte: number) => createSecretKey(Buffer.alloc(32, byte));
const part = (value: string | number | boolean | object, of?: string | true) =>
  redactedJson({ as: 'partial', ...(of !== undefined && { of }) }, value as never);

describe('what stands in the place of a value', () => {
  it.each<[string, string | true | undefined, string]>([
    ['ada@example.com', 'email', 'a***@example.com'],
    ['a@example.com', 'email', '***@example.com'],
    ['"a@b"@example.com', 'email', '"***@example.com'],
    ['no address', 'email', 'n***'],
    ['@example.com', 'email', '@***'],
    ['+49 (30) 1234-56', 'phone', '***56'],
    ['12345', 'phone', '***'],
    ['none', 'phone', '***'],
    ['Ada', 'name', 'A***'],
    ['Ada', true, 'A***'],
    ['\u{1F600}da', undefined, '\u{1F600}***'],
  ])('%s, a part of it as %s', (value, of, shadow) => expect(part(value, of)).toBe(shadow));

  it('is never all of it', () => {
    for (const value of ['', 'x', 7, '\u{1F600}']) expect(part(value)).toBe('***');
    for (const value of [true, false, [], {}, ['a'], { a: 1 }]) expect(part(value)).toBe('[redacted]');
  });

  it('is nothing where there is nothing', () => {
    for (const redacted of [{ as: 'full' }, { as: 'partial' }, { as: 'hash', key: key(1) }] as const) {
      expect(redactedJson(redacted, null)).toBeNull();
    }
  });

  it('is the same text for everything, of whatever type', () => {
    for (const value of ['a', 1, true, [], {}]) expect(redactedJson({ as: 'full' }, value)).toBe('[redacted]');
  });

  it('is the same hash for the same value under the same key only', () => {
    const hash = (value: object | string, byte = 1) => redactedJson({ as: 'hash', key: key(byte) }, value as never);
    expect(hash('a')).toMatch(/^hmac-sha256:[0-9a-f]{32}$/);
    expect(hash({ a: 1, b: [2] })).toBe(hash({ b: [2], a: 1 }));
    expect(new Set([hash('a'), hash('b'), hash('a', 2), hash(['a'])]).size).toBe(4);
  });
});

it('of two ways to redact, what both would tell is told', () => {
  expect(stricter({ as: 'partial', of: 'email' }, { as: 'partial', of: 'name' })).toEqual({ as: 'partial', of: 'email' });
  expect(stricter({ as: 'partial' }, { as: 'hash', key: key(1) })).toEqual({ as: 'full' });
  expect(stricter({ as: 'hash', key: key(1) }, { as: 'full' })).toEqual({ as: 'full' });
});
