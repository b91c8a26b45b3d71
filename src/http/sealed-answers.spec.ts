import { createSecretKey } from 'node:crypto';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import { Keyring, type SubjectKeys } from '../model/sealed/keyring.js';
import { Answer } from './answer.js';
import { keptAnswer, repeatedAnswer } from './sealed-answers.js';
import type { KeyedRequest } from './stored-answers.js';

const REQUEST: KeyedRequest = { tenantId: 't', subject: 'ada@example.com', keyHash: 'ab'.repeat(32), requestHashes: [] };
const HEADERS = { etag: '"1-1"', 'content-type': 'application/json' };
const BODY = '{"ssn":"078-05-1120"}';

const ringOf = (tenantId: string): FieldCiphers => {
  const key = createSecretKey(Buffer.alloc(32, 7));
  const keys = { tenantId, epoch: 1, encrypt: new Map([[1, key]]), encryptVersion: 1 };
  return new Keyring({ ...keys, index: new Map([[1, key]]), indexVersion: 1, indexNext: null }, {} as SubjectKeys);
};
const ring = ringOf('t');
const notAsked = (): never => {
  throw new Error('keys are asked for');
};

describe('an answer that shows encrypted values', () => {
  const answer = new Answer(201, BODY, HEADERS, true);

  it('is kept without a word of it, headers included', () => {
    const kept = keptAnswer(() => ring, REQUEST, answer);
    expect(kept).toEqual({ status: 201, headers: null, body: null, keys: 1, sealed: expect.stringMatching(/^\\x[0-9a-f]+$/) });
    const bytes = Buffer.from(kept.sealed?.slice(2) ?? '', 'hex');
    for (const text of ['078-05-1120', 'etag']) expect(bytes.includes(text)).toBe(false);
    expect(kept.sealed).not.toBe(keptAnswer(() => ring, REQUEST, answer).sealed);
  });

  it('is repeated as it was', () => {
    const repeated = repeatedAnswer(
      () => ring,
      REQUEST,
      keptAnswer(() => ring, REQUEST, answer),
    );
    expect([repeated.status, repeated.body, repeated.headers]).toEqual([
      201,
      BODY,
      { ...HEADERS, 'idempotency-replayed': 'true' },
    ]);
    const none = keptAnswer(() => ring, REQUEST, new Answer(204, null, {}, true));
    expect(repeatedAnswer(() => ring, REQUEST, none).body).toBeNull();
  });

  it.each([
    ['another caller', { ...REQUEST, subject: 'Ada@example.com' }, ring],
    ['another key', { ...REQUEST, keyHash: 'ac'.repeat(32) }, ring],
    ['another tenant', REQUEST, ringOf('u')],
  ])('does not open for %s', (_, request, keys) => {
    const kept = keptAnswer(() => ring, REQUEST, answer);
    expect(() => repeatedAnswer(() => keys, request, kept)).toThrow('not what was stored');
  });
});

it('an answer that shows nothing encrypted is kept as it is, and asks for no keys', () => {
  const kept = keptAnswer(notAsked, REQUEST, new Answer(200, BODY, HEADERS));
  expect(kept).toEqual({ status: 200, headers: JSON.stringify(HEADERS), body: BODY, sealed: null });
  expect(repeatedAnswer(notAsked, REQUEST, kept).body).toBe(BODY);
});

it('an answer that was forgotten is told to have been, without any keys', () => {
  const kept = { status: 410, headers: null, body: null, sealed: null };
  expect(() => repeatedAnswer(notAsked, REQUEST, kept)).toThrow('what it did stays done. Its answer was forgotten');
});
