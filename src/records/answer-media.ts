import { stringify } from 'csv-stringify/sync';
import { Problem } from '../platform/problem.js';

/** In which form a list is answered (RFC 9110 §12.5.1, and PostgREST's own media type for one object). */

export const JSON_ARRAY = 'application/json';
export const SINGLE_OBJECT = 'application/vnd.pgrst.object+json';
export const CSV = 'text/csv';

type Media = typeof JSON_ARRAY | typeof SINGLE_OBJECT | typeof CSV;

const KNOWN: ReadonlyMap<string, Media> = new Map([
  ['*/*', JSON_ARRAY],
  ['application/*', JSON_ARRAY],
  [JSON_ARRAY, JSON_ARRAY],
  ['application/vnd.pgrst.array+json', JSON_ARRAY],
  [SINGLE_OBJECT, SINGLE_OBJECT],
  ['application/vnd.pgrst.object', SINGLE_OBJECT],
  [CSV, CSV],
  ['text/*', CSV],
]);

/** The one that the client likes best of those there are. @throws Problem request/not-acceptable */
export function mediaTypeOf(accept: string | undefined): Media {
  if (accept === undefined || accept.trim() === '') return JSON_ARRAY;
  const wishes = accept.split(',').map((wish) => {
    const [type = '', ...parameters] = wish.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.map((parameter) => /^q=([01](?:\.\d{0,3})?)$/.exec(parameter)?.[1]).find(Boolean);
    return { media: KNOWN.get(type), quality: Number(quality ?? 1) };
  });
  const best = wishes.reduce((found, wish) => (wish.media && wish.quality > found.quality ? wish : found), {
    media: undefined,
    quality: 0,
  } as (typeof wishes)[number]);
  if (best.media) return best.media;
  throw new Problem('request/not-acceptable', `Lists come as ${JSON_ARRAY}, ${SINGLE_OBJECT} or ${CSV}.`);
}

/** RFC 4180, with a header line. What is no scalar is written as its JSON. */
export function csvOf(names: readonly string[], records: readonly string[]): string {
  const rows = records.map((text) => {
    const record = JSON.parse(text) as Record<string, unknown>;
    return names.map((name) => csvValue(record[name]));
  });
  return stringify([names, ...rows]);
}

function csvValue(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
