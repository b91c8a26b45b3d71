/** What the development Auth Service's side of the key interface does not take. */

import type { KeyProvider } from '../key-provider.js';
import { KeyFault } from '../key-provider.js';
import { DevelopmentKeyService } from './development-key-service.js';

const TENANT = '0190f3c0-7a1e-7c3b-8f00-000000000001';
const CONTEXT = { tenantId: TENANT, purpose: 'encrypt', version: 1 };
const KEY = Buffer.alloc(32).toString('base64');

const refuse = (kind: KeyFault['kind']) => async () => {
  throw new KeyFault(kind, 'a reason');
};
const service = (methods: Partial<KeyProvider> = {}) => new DevelopmentKeyService(methods as KeyProvider);
const text = (body: object) => JSON.stringify(body);

describe('the development key service', () => {
  it.each<[string, string, string, number]>([
    ['no key', 'PUT', '/keys/', 404],
    ['something else of a key', 'POST', '/keys/one/export', 404],
    ['a path below', 'POST', '/keys/one/wrap/', 404],
    ['a query', 'DELETE', '/keys/one?force=true', 404],
    ['the key itself', 'GET', '/keys/one', 405],
    ['another method for a key', 'POST', '/keys/one', 405],
    ['another method for wrapping', 'PUT', '/keys/one/wrap', 405],
    ['a name that is no UTF-8', 'DELETE', '/keys/%ff', 400],
  ])('has nothing for %s (%s %s)', async (_name, method, path, status) => {
    const answer = await service().answer(method, path, '{}');
    expect(answer.status).toBe(status);
    // That would say that a key is gone for good.
    expect(answer.body).not.toEqual({ error: 'unknown_key' });
  });

  it.each<[string, string]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['no object', '[]'],
    ['no context', text({ plaintext: KEY })],
    ['no key', text({ context: CONTEXT })],
    ['more than these', text({ context: CONTEXT, plaintext: KEY, force: true })],
    ['a short key', text({ context: CONTEXT, plaintext: 'AAAA' })],
    ['a key that is no base64', text({ context: CONTEXT, plaintext: '!'.repeat(44) })],
    ['a purpose that is none', text({ context: { ...CONTEXT, purpose: 'export' }, plaintext: KEY })],
    ['a version that is none', text({ context: { ...CONTEXT, version: 0 }, plaintext: KEY })],
    ['a tenant that is none', text({ context: { ...CONTEXT, tenantId: 'acme' }, plaintext: KEY })],
    ['a context of more', text({ context: { ...CONTEXT, role: 'admin' }, plaintext: KEY })],
  ])('wraps nothing for %s', async (_name, body) => {
    await expect(service().answer('POST', '/keys/one/wrap', body)).resolves.toEqual({
      status: 400,
      body: { error: 'invalid_request' },
    });
  });

  it.each<[KeyFault['kind'], number]>([
    ['unavailable', 503],
    ['denied', 403],
    ['integrity', 422],
    ['destroyed', 410],
  ])('says of a key that is %s so by its status (%i), and no more', async (kind, status) => {
    const answer = service({ rotateKey: refuse(kind) }).answer('POST', '/keys/one/rotate', '{}');
    await expect(answer).resolves.toEqual({ status, body: { error: kind } });
  });

  it('takes names as they were encoded', async () => {
    const names: string[] = [];
    const rotateKey = async (name: string) => {
      names.push(name);
    };
    await expect(service({ rotateKey }).answer('POST', '/keys/local%3Aone%2Ftwo/rotate', '{}')).resolves.toEqual({ status: 204 });
    expect(names).toEqual(['local:one/two']);
  });
});
