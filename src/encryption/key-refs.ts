import type { KeyProviderName } from '../keys/key-provider.js';

/** How each provider names the key that a tenant brings. What can be named at all is for the provider's own policy to say. */

const ARN = /^arn:aws[a-z-]*:kms:[a-z0-9-]{1,40}:\d{12}:key\/[A-Za-z0-9-]{1,128}$/;
const NAME = /^(?!\.{1,2}$)[A-Za-z0-9._:@-]{1,200}$/;

/** Why the tenant cannot bring this key; null: it can, as far as its name goes. */
export function keyRefFault(provider: KeyProviderName, tenantId: string, keyRef: string): string | null {
  switch (provider) {
    case 'aws-kms':
      // What an alias points at can be changed, and then nothing opens any more; an id may be that of the key that tenants share.
      return ARN.test(keyRef) ? null : 'names a key of AWS KMS by its ARN, such as arn:aws:kms:eu-central-1:111122223333:key/…';
    case 'auth-service':
      return NAME.test(keyRef) ? null : 'names a key of the Auth Service: up to 200 letters, digits and ._:@-';
    case 'local':
      return ownName(keyRef, `local:${tenantId}`);
    case 'vault':
    case 'pkcs11':
      return ownName(keyRef, `bss-${tenantId}`);
  }
}

function ownName(keyRef: string, own: string): string | null {
  return keyRef === own ? null : `can only be ${own} with this provider: leave it out`;
}
