import { join } from 'node:path';
import type { Settings } from '../platform/settings.js';
import type { KeyProvider, KeyProviderName } from './key-provider.js';
import { KeyProviders } from './key-providers.js';
import { AuthServiceKeys, type AuthServiceKeysOptions } from './providers/auth-service-keys.js';
import { openAwsKms } from './providers/aws-kms.js';
import { countedProvider, type KeyRequestCounter } from './providers/counted-provider.js';
import { guardedProvider } from './providers/guarded-provider.js';
import { LocalKeyring } from './providers/local-keyring.js';
import { openPkcs11 } from './providers/pkcs11.js';
import { VaultTransit } from './providers/vault-transit.js';

/**
 * The key providers that are configured: `KEY_PROVIDER` for new keys, and every other whose settings are there, for keys that are with it
 * or are to be moved to it.
 * @param development the key interface of the development Auth Service, where that is what there is
 * @throws Error where a provider cannot be used at all, such as a module that is not there
 */
export async function openKeyProviders(
  settings: Settings,
  development: AuthServiceKeysOptions | null,
  count: KeyRequestCounter,
): Promise<KeyProviders> {
  const preferred = settings.KEY_PROVIDER ?? (development ? 'auth-service' : null);
  const opened = new Map<KeyProviderName, KeyProvider>();
  for (const [name, open] of Object.entries(openers(settings, development)) as [KeyProviderName, Opener][]) {
    const provider = await open();
    if (provider) opened.set(name, countedProvider(guardedProvider(provider), count));
  }
  if (preferred !== null && !opened.has(preferred)) {
    throw new Error(`KEY_PROVIDER is ${preferred}, but its settings are missing: ${NEEDED[preferred]}`);
  }
  return new KeyProviders(preferred, opened);
}

type Opener = () => KeyProvider | null | Promise<KeyProvider | null>;

const NEEDED: Readonly<Record<KeyProviderName, string>> = {
  local: 'KEYRING_FILE',
  'auth-service': 'KEY_SERVICE_URL, AUTH_CLIENT_ID and AUTH_CLIENT_SECRET',
  vault: 'VAULT_ADDR and VAULT_TOKEN',
  'aws-kms': 'AWS_KMS_KEY_ID',
  pkcs11: 'PKCS11_LIBRARY, PKCS11_TOKEN and PKCS11_PIN',
};

function openers(settings: Settings, development: AuthServiceKeysOptions | null): Readonly<Record<KeyProviderName, Opener>> {
  return {
    local: () => {
      const file = settings.KEYRING_FILE ?? (settings.KEY_PROVIDER === 'local' ? join(settings.DATA_DIR, 'keyring.jsonl') : null);
      if (file === null) return null;
      const allowInProduction = settings.KEYRING_IN_PRODUCTION === 'accepted';
      return new LocalKeyring(file, { environment: settings.NODE_ENV, allowInProduction });
    },
    'auth-service': () => {
      const { KEY_SERVICE_URL: url, AUTH_CLIENT_ID: clientId, AUTH_CLIENT_SECRET: clientSecret } = settings;
      if (url && clientId && clientSecret) return new AuthServiceKeys({ url, clientId, clientSecret });
      return development && new AuthServiceKeys(development);
    },
    vault: () => {
      const { VAULT_ADDR: url, VAULT_TOKEN: token, VAULT_MOUNT: mount, VAULT_NAMESPACE: namespace } = settings;
      if (!url || !token) return null;
      return new VaultTransit({
        url,
        token,
        ...(mount !== undefined && { mount }),
        ...(namespace !== undefined && { namespace }),
      });
    },
    'aws-kms': () => {
      const { AWS_KMS_KEY_ID: keyId, AWS_KMS_REGION: region, AWS_KMS_ENDPOINT: endpoint } = settings;
      if (!keyId) return null;
      return openAwsKms({ keyId, ...(region !== undefined && { region }), ...(endpoint !== undefined && { endpoint }) });
    },
    pkcs11: () => {
      const { PKCS11_LIBRARY: library, PKCS11_TOKEN: tokenLabel, PKCS11_PIN: pin } = settings;
      return library && tokenLabel && pin ? openPkcs11({ library, tokenLabel, pin }) : null;
    },
  };
}
