import { KeyFault, type KeyFaultKind } from '../key-provider.js';

/**
 * What the errors of AWS KMS mean, by their names; what they say is not repeated, for it quotes requests.
 * https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html and the pages of Encrypt, Decrypt and RotateKeyOnDemand
 */

const MEANINGS: Readonly<Record<string, readonly [KeyFaultKind, string]>> = {
  AccessDeniedException: ['denied', 'the key’s policy or that of our role does not let us'],
  InvalidCiphertextException: ['integrity', 'what is stored is not what was wrapped, or is bound to something else'],
  IncorrectKeyException: ['integrity', 'it was wrapped by another key'],
  // Only keys that were there have wrapped anything: this one was deleted, if it is not misspelt.
  NotFoundException: ['destroyed', 'there is no such key; it has been deleted, unless another account or region is asked'],
  // Both can be taken back by whoever has the key, and neither is an outage: one tenant's key must not close the way to all others.
  DisabledException: ['denied', 'the key is disabled, and may be enabled again'],
  KMSInvalidStateException: [
    'denied',
    'the key cannot be used now: its deletion is scheduled, or its key store or material is missing',
  ],
  UnsupportedOperationException: [
    'denied',
    'not possible with a key of this kind: rotation is for symmetric primary keys outside key stores',
  ],
  InvalidKeyUsageException: ['denied', 'the key is not a symmetric one for encryption'],
  KeyUnavailableException: ['unavailable', 'the key is not available just now'],
  // The one limit that a single key can reach by what is asked of it here.
  LimitExceededException: ['denied', 'the key has no rotation on demand left: another key has to take over'],
  ConflictException: ['unavailable', 'the key is being rotated already'],
  DependencyTimeoutException: ['unavailable', 'it timed out inside'],
  KMSInternalException: ['unavailable', 'it failed inside'],
  CredentialsProviderError: ['unavailable', 'no credentials were found'],
};

const TOO_MANY = /^(Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|BandwidthLimit)/;
const NAME = /^[A-Za-z]{1,60}$/;

export function awsKmsFault(operation: string, error: unknown): KeyFault {
  if (error instanceof KeyFault) return error;
  const { name = '', $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  const status = $metadata?.httpStatusCode;
  const known = Object.hasOwn(MEANINGS, name) ? MEANINGS[name] : undefined;
  if (known) return new KeyFault(known[0], `AWS KMS ${operation}: ${known[1]} (${name})`);
  const answer = `answered ${status}${NAME.test(name) ? ` ${name}` : ''}`;
  if (status === undefined) return new KeyFault('unavailable', `AWS KMS ${operation}: did not answer${codeOf(error)}`);
  if (status >= 500 || status === 429 || TOO_MANY.test(name)) {
    return new KeyFault('unavailable', `AWS KMS ${operation}: ${answer}`);
  }
  if (status >= 400) return new KeyFault('denied', `AWS KMS ${operation}: ${answer}`);
  return new KeyFault('integrity', `AWS KMS ${operation}: answered something that is not of its protocol`);
}

/** Such as ` (ECONNREFUSED)` or ` (TimeoutError)`. */
function codeOf(error: unknown): string {
  const { name, code } = error as { name?: unknown; code?: unknown };
  const said = typeof code === 'string' ? code : String(name);
  return /^[A-Za-z_]{1,40}$/.test(said) ? ` (${said})` : '';
}
