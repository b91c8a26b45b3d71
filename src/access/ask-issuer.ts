/**
 * One question to the Auth Service, over HTTP: the answer is a JSON object of reasonable size, soon, or there is none. Used by what
 * fetches its keys, its metadata and what it says of a token.
 */

import { hasDuplicateMembers } from '../platform/json.js';
import { isJsonObject, type JsonObject } from '../platform/json-value.js';

const TIMEOUT_MS = 3_000;
const LARGEST_BYTES = 1 << 20;

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** It answered, but not with 200. */
export class IssuerRefusal extends Error {
  constructor(
    what: string,
    readonly status: number,
  ) {
    super(`${what} answered ${status}`);
    this.name = 'IssuerRefusal';
  }
}

/**
 * @param what for messages, such as `the key set`
 * @throws IssuerRefusal for any status but 200
 * @throws Error when there is no answer within 3 s, or it leads elsewhere, has more than 1 MB or is no JSON object
 */
export async function askIssuer(ask: typeof fetch, what: string, url: string, init: RequestInit = {}): Promise<JsonObject> {
  const response = await ask(url, {
    redirect: 'error',
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...init,
    headers: { accept: 'application/json', ...init.headers },
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new IssuerRefusal(what, response.status);
  }
  const text = utf8.decode(await bytesOf(response, what));
  const answer = parsed(text);
  if (!isJsonObject(answer)) throw new Error(`${what} is not a JSON object`);
  // Whoever reads the first of two members and whoever reads the last would believe different things.
  if (hasDuplicateMembers(text)) throw new Error(`${what} names a member twice`);
  return answer;
}

async function bytesOf({ body }: Response, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    if (size > LARGEST_BYTES) throw new Error(`${what} has more than ${LARGEST_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** Nothing that does not parse is quoted: it would go to the log. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
