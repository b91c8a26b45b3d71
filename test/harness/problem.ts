import type { Response } from 'supertest';

/** What a refusal said, as `422 record/invalid`, once it is sure to be a problem document without a word of Postgres. */
export function refusal({ status, headers, text }: Pick<Response, 'status' | 'headers' | 'text'>): string {
  if (status < 400) throw new Error(`not a refusal: ${status} ${text}`);
  return `${status} ${problemType(String(headers['content-type']), text)}`;
}

/** Pointer and rule of each fault of a refusal, as `/name maxLength`. */
export function faultsOf({ body }: Pick<Response, 'body'>): string[] {
  return (body.errors ?? []).map(({ pointer, rule }: { pointer: string; rule: string }) => `${pointer} ${rule}`);
}

/** The stable part of the type of a problem document. @throws when it is none, or when its text was written by Postgres. */
export function problemType(contentType: string, text: string): string {
  if (!contentType.startsWith('application/problem+json')) throw new Error(`not a problem document: ${contentType} ${text}`);
  const { type, title, status, detail, instance } = JSON.parse(text);
  const found = /^urn:bss:problem:([a-z]+\/[a-z-]+)$/.exec(type)?.[1];
  const complete = typeof title === 'string' && typeof status === 'number' && typeof detail === 'string' && instance;
  if (!found || !complete) throw new Error(`an incomplete problem document: ${text}`);
  // A plan is SQL, for the admins of the tenant whose tables it is about.
  const { plan: _, ...said } = JSON.parse(text);
  const leak = POSTGRES.exec(JSON.stringify(said));
  if (leak) throw new Error(`the problem document quotes Postgres (${leak[0]}): ${text}`);
  return found;
}

/** Sentences, object names and internals that only Postgres, its driver or Node would have written. */
const POSTGRES =
  /syntax error|invalid input|violates|duplicate key|Failing row|permission denied|relation \\?"|column \\?"|operator does not|SQLSTATE|current transaction|\bpg_|\bbss_|\b(?:t|tn|own)_[0-9a-f]{16}|recordset|node_modules|\.[jt]s:\d|ECONN|QueryFailed|audit\.(?:events|pending)|\.f?key\b/;
