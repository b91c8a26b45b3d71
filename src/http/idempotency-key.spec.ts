import { Problem } from '../platform/problem.js';
import { hashOfKey, hashOfRequest, readIdempotencyKey } from './idempotency-key.js';

describe('an Idempotency-Key is refused', () => {
  it.each([
    ['when it is empty', ''],
    ['when it is an empty string', '""'],
    ['of white space', '   '],
    ['of more than 255 characters', 'k'.repeat(256)],
    ['of more than 255 characters in quotation marks', `"${'k'.repeat(256)}"`],
    ['outside of ASCII', 'schlüssel'],
    ['outside of ASCII, in quotation marks', '"schlüssel"'],
    ['with a control character', 'a\u0001b'],
    ['with a control character, in quotation marks', '"a\tb"'],
    ['with a delete character', 'a\u007fb'],
    ['sent twice', 'one, two'],
    ['with a quotation mark that does not end', '"abc'],
    ['with a quotation mark inside', 'a"b'],
    ['with an escape that is none', '"a\\b"'],
    ['with parameters', '"abc";a=1'],
  ])('%s', (_, header) => {
    const refused = (() => {
      try {
        return readIdempotencyKey(header);
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toBeInstanceOf(Problem);
    expect(refused).toMatchObject({ code: 'request/invalid-header', status: 400, extensions: { header: 'Idempotency-Key' } });
  });
});

describe('an Idempotency-Key', () => {
  it('is absent without the header', () => {
    expect(readIdempotencyKey(undefined)).toBeNull();
  });

  it.each([
    ['8e03978e-40d5-43e8-bc93-6894a57f9324', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"8e03978e-40d5-43e8-bc93-6894a57f9324"', '8e03978e-40d5-43e8-bc93-6894a57f9324'],
    ['"two words"', 'two words'],
    ['"a \\"quoted\\" \\\\ word"', 'a "quoted" \\ word'],
    ['a,b;c=d~!', 'a,b;c=d~!'],
    ['k'.repeat(255), 'k'.repeat(255)],
  ])('is %s', (header, key) => {
    expect(readIdempotencyKey(header)).toBe(key);
  });

  it('is hashed', () => {
    expect(hashOfKey('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });
});

it('a request is told from another by its method, path, query, body and what its caller sees', () => {
  const own = [{ name: 'a', description: '', inherits: [], permissions: ['records.read'] }];
  const grant = { id: 'g', reason: '', ticket: null, entities: null, access: 'read', expiresAt: new Date() } as const;
  const viewer = { roles: ['a', 'b'], redacts: false, claims: {}, own, grant: null };
  const requests = [
    hashOfRequest('POST', '/a', 'x', viewer),
    hashOfRequest('PUT', '/a', 'x', viewer),
    hashOfRequest('POST', '/b', 'x', viewer),
    hashOfRequest('POST', '/a?b', 'x', viewer),
    hashOfRequest('POST', '/a', 'y', viewer),
    hashOfRequest('POST', '/a', '', viewer),
    hashOfRequest('POST', '/a', 'x', { ...viewer, roles: ['a'] }),
    hashOfRequest('POST', '/a', 'x', { ...viewer, redacts: true }),
    hashOfRequest('POST', '/a', 'x', { ...viewer, claims: { region: 'eu' } }),
    hashOfRequest('POST', '/a', 'x', { ...viewer, claims: null }),
    hashOfRequest('POST', '/a', 'x', { ...viewer, own: [] }),
    hashOfRequest('POST', '/a', 'x', { ...viewer, grant }),
  ];
  expect(new Set(requests).size).toBe(requests.length);
  expect(hashOfRequest('POST', '/a', 'x', { ...viewer, roles: ['b', 'a'] })).toBe(requests[0]);
});
