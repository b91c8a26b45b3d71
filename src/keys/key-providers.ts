import { Problem } from '../platform/problem.js';
import { KeyFault, type KeyProvider, type KeyProviderName } from './key-provider.js';

/** The key providers that this installation may ask: the one for new tenants, and those that others' keys are with. */
export class KeyProviders {
  /** @param preferred null: nothing can be encrypted here */
  constructor(
    private readonly preferred: KeyProviderName | null,
    private readonly opened: ReadonlyMap<KeyProviderName, KeyProvider>,
  ) {}

  get names(): readonly KeyProviderName[] {
    return [...this.opened.keys()];
  }

  /** Where keys of tenants are made that name no other. @throws Problem key/no-provider */
  get forNew(): KeyProvider {
    if (this.preferred === null) {
      throw new Problem('key/no-provider', 'No key provider is configured, so that nothing can be encrypted: set KEY_PROVIDER.');
    }
    return this.named(this.preferred);
  }

  /** @throws KeyFault where the installation has no such provider, or has it no more */
  named(name: KeyProviderName): KeyProvider {
    const provider = this.opened.get(name);
    if (!provider) throw new KeyFault('unavailable', `keys are with the key provider ${name}, which is not configured`);
    return provider;
  }

  async close(): Promise<void> {
    for (const provider of this.opened.values()) await provider.close?.();
  }
}
