/**
 * What the development Auth Service has for the key interface that `auth-service-keys.ts` defines: the local keyring behind it. Who may ask is
 * for its server to know.
 */

import { isJsonObject, type JsonObject, type JsonValue } from '../../platform/json-value.js';
import { isUuid } from '../../platform/uuid.js';
import { type KeyContext, KeyFault, type KeyFaultKind, type KeyProvider } from '../key-provider.js';

const KEY_BYTES = 32;

const STATUS: Readonly<Record<KeyFaultKind, number>> = { unavailable: 503, denied: 403, integrity: 422, destroyed: 410 };

export interface KeyServiceAnswer {
  readonly status: number;
  readonly body?: object;
  readonly headers?: Record<string, string>;
}

class BadRequest extends Error {}

export class DevelopmentKeyService {
  constructor(private readonly keyring: KeyProvider) {}

  /** @param path from `/keys/` on, as it came. @param text the body */
  async answer(method: string, path: string, text: string): Promise<KeyServiceAnswer> {
    const [, encoded, action] = /^\/keys\/([^/?#]+)(?:\/(wrap|unwrap|rotate))?$/.exec(path) ?? [];
    if (encoded === undefined) return { status: 404 };
    const allowed = action === undefined ? ['PUT', 'DELETE'] : ['POST'];
    if (!allowed.includes(method)) return { status: 405, headers: { allow: allowed.join(', ') } };
    try {
      const body = await this.done(action ?? method, decoded(encoded), text);
      return body === null ? { status: 204 } : { status: 200, body };
    } catch (error) {
      if (error instanceof KeyFault) return { status: STATUS[error.kind], body: { error: error.kind } };
      if (error instanceof BadRequest) return { status: 400, body: { error: 'invalid_request' } };
      throw error;
    }
  }

  private async done(action: string, name: string, text: string): Promise<object | null> {
    switch (action) {
      case 'PUT':
        return { key: await this.keyring.createKey(name) };
      case 'DELETE':
        return { destroyed: (await this.keyring.destroyKey(name)).destroyed };
      case 'wrap': {
        const { context, plaintext } = membersOf(text, 'plaintext');
        const key = bytesOf(plaintext);
        if (key.length !== KEY_BYTES) throw new BadRequest();
        return { wrapped: (await this.keyring.wrap(name, context, key)).toString('base64') };
      }
      case 'unwrap': {
        const { context, wrapped } = membersOf(text, 'wrapped');
        return { plaintext: (await this.keyring.unwrap(name, context, bytesOf(wrapped))).toString('base64') };
      }
      default:
        await this.keyring.rotateKey(name);
        return null;
    }
  }
}

function membersOf<Name extends string>(text: string, name: Name): { context: KeyContext } & Record<Name, JsonValue> {
  const body = objectOf(text);
  const context = body?.context as JsonValue | undefined;
  if (!body || context === undefined || !isContext(context) || Object.keys(body).length !== 2) throw new BadRequest();
  return { context, [name]: body[name] } as { context: KeyContext } & Record<Name, JsonValue>;
}

function isContext(value: JsonValue): value is JsonValue & KeyContext {
  if (!isJsonObject(value)) return false;
  const { tenantId, purpose, version, ...others } = value;
  return (
    typeof tenantId === 'string' &&
    isUuid(tenantId) &&
    (purpose === 'encrypt' || purpose === 'index') &&
    Number.isSafeInteger(version) &&
    (version as number) > 0 &&
    Object.keys(others).length === 0
  );
}

function bytesOf(value: JsonValue | undefined): Buffer {
  if (typeof value !== 'string' || !/^[A-Za-z0-9+/]+={0,2}$/.test(value)) throw new BadRequest();
  return Buffer.from(value, 'base64');
}

function objectOf(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new BadRequest();
  }
}
