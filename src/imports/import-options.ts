import { invalidQuery } from '../model/query/invalid-query.js';
import type { TransferFormat } from '../model/transfer/split-records.js';
import { Problem } from '../platform/problem.js';
import { isUuid, uuidV7 } from '../platform/uuid.js';

/** What the query string and the media type of an import say. */

export interface ImportOptions {
  readonly id: string;
  /** `id` is that of an import to go on with. */
  readonly isResumed: boolean;
  readonly format: TransferFormat;
  /** Checks every record and stores none. */
  readonly dryRun: boolean;
  /** What becomes of the import when a record is refused: it ends there, or goes on without it. */
  readonly onError: 'abort' | 'skip';
  /** Members that are left out of every record. */
  readonly ignored: readonly string[];
  /** The members of a unique key: of two records with the same, the later changes the earlier. null: it is refused. */
  readonly conflict: readonly string[] | null;
}

const FORMATS: ReadonlyMap<string, TransferFormat> = new Map([
  ['application/x-ndjson', 'ndjson'],
  ['application/ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
  ['text/csv', 'csv'],
]);

const KNOWN = ['id', 'resume', 'dryRun', 'onError', 'ignore', 'on_conflict'];

const MAX_IGNORED = 100;

/** @throws Problem request/invalid-query, request/unsupported-media-type */
export function readImportOptions(query: URLSearchParams, contentType: string | undefined): ImportOptions {
  const given = new Map<string, string>();
  for (const [name, text] of query) {
    if (!KNOWN.includes(name)) throw invalidQuery(name, `an import takes ${KNOWN.join(', ')}, and no ${JSON.stringify(name)}.`);
    if (given.has(name)) throw invalidQuery(name, `${name} is given more than once.`);
    given.set(name, text);
  }
  const resumed = given.get('resume');
  const dryRun = oneOf('dryRun', given.get('dryRun') ?? 'false', ['true', 'false']) === 'true';
  if (resumed !== undefined && given.size > 1) {
    throw invalidQuery('resume', 'an import goes on as it was begun: send resume without other parameters.');
  }
  if (dryRun && given.has('id')) throw invalidQuery('id', 'a dry run keeps nothing that could have an id.');
  const conflict = given.get('on_conflict')?.split(',') ?? null;
  if (dryRun && conflict) {
    throw invalidQuery(
      'on_conflict',
      'a dry run checks records that are new, and what is sent to be merged may be a part of one that is there.',
    );
  }
  const ignored = (given.get('ignore') ?? '').split(',').filter((name) => name !== '');
  if (ignored.length > MAX_IGNORED) throw invalidQuery('ignore', `at most ${MAX_IGNORED} members may be named.`);
  const id = uuidOf('resume', resumed) ?? uuidOf('id', given.get('id')) ?? uuidV7();
  return {
    ...{ id, dryRun, ignored, conflict, isResumed: resumed !== undefined, format: formatOf(contentType) },
    onError: oneOf('onError', given.get('onError') ?? 'abort', ['abort', 'skip']),
  };
}

function formatOf(contentType: string | undefined): TransferFormat {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';');
  const format = FORMATS.get(type.trim());
  if (!format) {
    throw new Problem(
      'request/unsupported-media-type',
      'Send records as application/x-ndjson, one JSON object on each line, or as text/csv with a header line.',
    );
  }
  const charset = parameters.map((text) => /^\s*charset\s*=\s*"?([^"\s]*)/.exec(text)?.[1]).find(Boolean);
  if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') {
    throw new Problem('request/unsupported-media-type', 'Send the records in UTF-8.');
  }
  return format;
}

function oneOf<T extends string>(name: string, text: string, values: readonly T[]): T {
  const found = values.find((value) => value === text);
  if (found === undefined) throw invalidQuery(name, `${name} is ${values.join(' or ')}.`);
  return found;
}

function uuidOf(name: string, text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  if (!isUuid(text)) throw invalidQuery(name, `${name} is a uuid.`);
  return text.toLowerCase();
}
