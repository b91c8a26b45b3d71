import { keyRefFault } from './key-refs.js';

describe('the name of a key that a tenant brings', () => {
  const TENANT = '0190f3c0-7a1e-7c3b-8f00-0123456789ab';
  const OTHER = '0190f3c0-7a1e-7c3b-8f00-ba9876543210';
  const ARN = 'arn:aws:kms:eu-central-1:111122223333:key/0190f3c0-7a1e-7c3b-8f00-0123456789ab';

  it.each([
    ['local', `local:${OTHER}`],
    ['local', TENANT],
    ['vault', `bss-${OTHER}`],
    ['vault', `bss-${TENANT}/../../sys`],
    ['pkcs11', `bss-${OTHER}`],
    ['aws-kms', TENANT],
    ['aws-kms', 'alias/ours'],
    ['aws-kms', 'arn:aws:kms:eu-central-1:111122223333:alias/ours'],
    ['aws-kms', `${ARN}\n`],
    ['auth-service', '..'],
    ['auth-service', 'keys/other'],
    ['auth-service', ''],
  ] as const)('is refused: %s %j', (provider, keyRef) => {
    expect(keyRefFault(provider, TENANT, keyRef)).toEqual(expect.any(String));
  });

  it.each([
    ['local', `local:${TENANT}`],
    ['vault', `bss-${TENANT}`],
    ['pkcs11', `bss-${TENANT}`],
    ['aws-kms', ARN],
    ['auth-service', 'tenant-key_1@eu'],
  ] as const)('is taken: %s %j', (provider, keyRef) => {
    expect(keyRefFault(provider, TENANT, keyRef)).toBeNull();
  });
});
