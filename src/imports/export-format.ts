import { invalidQuery } from '../model/query/invalid-query.js';
import type { TransferFormat } from '../model/transfer/split-records.js';
import { Problem } from '../platform/problem.js';

/** In which form an export is answered: `?format=`, else what the client likes best of what there is (RFC 9110 §12.5.1). */

export const MEDIA_TYPES: Readonly<Record<TransferFormat, string>> = {
  ndjson: 'application/x-ndjson; charset=utf-8',
  csv: 'text/csv; charset=utf-8; header=present',
};

const KNOWN: ReadonlyMap<string, TransferFormat> = new Map([
  ['*/*', 'ndjson'],
  ['application/*', 'ndjson'],
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
  // Sent by clients that say it of every request.
  ['application/json', 'ndjson'],
  ['text/csv', 'csv'],
  ['text/*', 'csv'],
]);

/** @throws Problem request/invalid-query, request/not-acceptable */
export function exportFormat(named: string | undefined, accept: string | undefined): TransferFormat {
  if (named === 'ndjson' || named === 'csv') return named;
  if (named !== undefined)
    throw invalidQuery('format', 'format is ndjson or csv. To filter by a property of this name: and=(format.eq.…).');
  if (accept === undefined || accept.trim() === '') return 'ndjson';
  let best: { readonly format: TransferFormat; readonly quality: number } | null = null;
  for (const wish of accept.toLowerCase().split(',')) {
    const [type = '', ...parameters] = wish.split(';').map((part) => part.trim());
    const format = KNOWN.get(type);
    const quality = Number(parameters.map((text) => /^q=([01](?:\.\d{0,3})?)$/.exec(text)?.[1]).find(Boolean) ?? 1);
    if (format && quality > (best?.quality ?? 0)) best = { format, quality };
  }
  if (best) return best.format;
  throw new Problem('request/not-acceptable', 'Exports come as application/x-ndjson or text/csv.');
}
