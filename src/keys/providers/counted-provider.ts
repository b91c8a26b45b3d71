import {
  type Destruction,
  type KeyContext,
  KeyFault,
  type KeyFaultKind,
  type KeyProvider,
  type KeyProviderName,
} from '../key-provider.js';

/** Told of every request to a key provider that has ended, by how it has. */
export type KeyRequestCounter = (provider: KeyProviderName, outcome: 'ok' | KeyFaultKind) => void;

/** Passes everything on, and counts it: what goes wrong with keys is to be seen before anybody complains. */
export function countedProvider(provider: KeyProvider, count: KeyRequestCounter): KeyProvider {
  return new CountedProvider(provider, count);
}

class CountedProvider implements KeyProvider {
  readonly name: KeyProviderName;

  constructor(
    private readonly provider: KeyProvider,
    private readonly count: KeyRequestCounter,
  ) {
    this.name = provider.name;
  }

  createKey(tenantId: string): Promise<string> {
    return this.counted(this.provider.createKey(tenantId));
  }

  wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    return this.counted(this.provider.wrap(keyRef, context, key));
  }

  unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    return this.counted(this.provider.unwrap(keyRef, context, wrapped));
  }

  rotateKey(keyRef: string): Promise<void> {
    return this.counted(this.provider.rotateKey(keyRef));
  }

  destroyKey(keyRef: string): Promise<Destruction> {
    return this.counted(this.provider.destroyKey(keyRef));
  }

  async close(): Promise<void> {
    await this.provider.close?.();
  }

  private async counted<T>(request: Promise<T>): Promise<T> {
    try {
      const answer = await request;
      this.count(this.name, 'ok');
      return answer;
    } catch (error) {
      this.count(this.name, error instanceof KeyFault ? error.kind : 'unavailable');
      throw error;
    }
  }
}
