import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import { Problem } from '../platform/problem.js';
import { Answer } from './answer.js';
import type { KeptAnswer, KeyedRequest } from './stored-answers.js';

/** Answers as they are kept: those about encrypted values under the tenant's own key, which binds them to whoever was answered. */

export const ANSWER_LABEL = 'idempotent-answer';

/** @throws KeysNeeded */
export function keptAnswer(ciphers: () => FieldCiphers, request: KeyedRequest, answer: Answer): KeptAnswer {
  const { status, body, isSealed } = answer;
  const headers = JSON.stringify(answer.headers);
  if (!isSealed) return { status, headers, body, sealed: null };
  const open = ciphers();
  const sealed = open.sealText(ANSWER_LABEL, answerPlace(request), JSON.stringify([headers, body]));
  return { status, headers: null, body: null, sealed: `\\x${sealed.toString('hex')}`, keys: open.epoch };
}

/** What is sealed in the place of an answer that is not to be given again. */
export const FORGOTTEN_ANSWER = 'null';

/** Marked as a replay. @throws KeysNeeded, UnknownKeyVersion, BrokenCell, Problem key/destroyed */
export function repeatedAnswer(ciphers: () => FieldCiphers, request: KeyedRequest, kept: KeptAnswer): Answer {
  const said = kept.sealed === null ? plain(kept) : opened(ciphers(), request, kept.sealed);
  if (said === null) throw forgotten('with the key of somebody whom records are about');
  const [headers, body] = said;
  return new Answer(kept.status, body, { ...JSON.parse(headers), 'idempotency-replayed': 'true' });
}

/** Without headers it was forgotten, see migrations/0023_forgotten_answers.sql. */
function plain({ headers, body }: KeptAnswer): [headers: string, body: string | null] {
  if (headers === null) throw forgotten('when a property was encrypted, since it may have shown what that holds');
  return [headers, body];
}

function forgotten(when: string): Problem {
  return new Problem(
    'key/destroyed',
    `The request was answered before, and what it did stays done. Its answer was forgotten ${when}.`,
  );
}

function opened(ciphers: FieldCiphers, request: KeyedRequest, sealed: string): [headers: string, body: string | null] | null {
  return JSON.parse(ciphers.openText(ANSWER_LABEL, answerPlace(request), Buffer.from(sealed.slice(2), 'hex')));
}

/** Of the row, in characters whose case does not matter. */
export function answerPlace({ subject, keyHash }: Pick<KeyedRequest, 'subject' | 'keyHash'>): string {
  return `${keyHash} ${Buffer.from(subject).toString('hex')}`;
}
