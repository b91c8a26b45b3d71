import { KeyFault, type KeyFaultKind } from '../key-provider.js';

/**
 * What the return values of PKCS#11 mean for us, by their names (OASIS PKCS#11 v2.40, §5.1). Names are all that is repeated of them.
 */

/** The login is the token's to refuse; asked again and again, it locks the PIN. */
const PIN_REFUSED = /^CKR_PIN_(INCORRECT|INVALID|LEN_RANGE|EXPIRED|LOCKED)$/;

/** Said of a token that no slot has, too. */
export const NO_TOKEN = 'CKR_TOKEN_NOT_PRESENT';

const SESSION_LOST: ReadonlySet<string> = new Set([
  'CKR_SESSION_HANDLE_INVALID',
  'CKR_SESSION_CLOSED',
  'CKR_USER_NOT_LOGGED_IN',
  'CKR_CRYPTOKI_NOT_INITIALIZED',
  'CKR_OPERATION_ACTIVE',
  'CKR_OPERATION_NOT_INITIALIZED',
  'CKR_DEVICE_REMOVED',
  'CKR_DEVICE_ERROR',
  NO_TOKEN,
]);

const KINDS: Readonly<Record<string, KeyFaultKind>> = {
  // Found just now, and destroyed by another since.
  CKR_KEY_HANDLE_INVALID: 'destroyed',
  CKR_OBJECT_HANDLE_INVALID: 'destroyed',
  CKR_ENCRYPTED_DATA_INVALID: 'integrity',
  CKR_ENCRYPTED_DATA_LEN_RANGE: 'integrity',
  // CKR_AEAD_DECRYPT_FAILED of v3.0 and CKR_ACTION_PROHIBITED of v2.40, which pkcs11js has no names for.
  CKR_0x42: 'integrity',
  CKR_0x1b: 'denied',
  CKR_KEY_FUNCTION_NOT_PERMITTED: 'denied',
  CKR_MECHANISM_INVALID: 'denied',
  CKR_MECHANISM_PARAM_INVALID: 'denied',
  CKR_TOKEN_WRITE_PROTECTED: 'denied',
  CKR_SESSION_READ_ONLY: 'denied',
  CKR_FUNCTION_REJECTED: 'denied',
  CKR_FUNCTION_NOT_SUPPORTED: 'denied',
  CKR_TEMPLATE_INCOMPLETE: 'denied',
  CKR_TEMPLATE_INCONSISTENT: 'denied',
  CKR_ATTRIBUTE_TYPE_INVALID: 'denied',
  CKR_ATTRIBUTE_VALUE_INVALID: 'denied',
  CKR_USER_ANOTHER_ALREADY_LOGGED_IN: 'denied',
  CKR_USER_PIN_NOT_INITIALIZED: 'denied',
};

/** Such as `CKR_DEVICE_ERROR`, or `CKR_0x42` for one without a name; null for what no token has said. */
export function returnValueOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  const name = /^CKR_(?!VENDOR_DEFINED)[A-Z0-9_]{1,60}/.exec(error.message)?.[0];
  const number = Number((error as { code?: unknown }).code ?? /:(\d{1,10})$/.exec(error.message)?.[1]);
  return name ?? (Number.isInteger(number) && number > 0 ? `CKR_0x${number.toString(16)}` : null);
}

export function isSessionLost(error: unknown): boolean {
  return SESSION_LOST.has(returnValueOf(error) ?? '');
}

export function isPinRefused(error: unknown): boolean {
  return PIN_REFUSED.test(returnValueOf(error) ?? '');
}

/** What another try would not change. */
export function isFinal(error: unknown): boolean {
  return error instanceof KeyFault || isPinRefused(error) || KINDS[returnValueOf(error) ?? ''] === 'integrity';
}

/** @param doing what was being done, such as `unwrapping a key` */
export function pkcs11Fault(doing: string, error: unknown): KeyFault {
  if (error instanceof KeyFault) return error;
  const value = returnValueOf(error);
  if (value === null) return new KeyFault('unavailable', `PKCS#11: ${doing} failed in the module`);
  if (PIN_REFUSED.test(value))
    return new KeyFault('denied', `PKCS#11: the token refused the PIN (${value}), which is not tried again`);
  if (value === NO_TOKEN) return new KeyFault('unavailable', `PKCS#11: no token has the label that is configured (${value})`);
  return new KeyFault(KINDS[value] ?? 'unavailable', `PKCS#11: ${doing} failed with ${value}`);
}
