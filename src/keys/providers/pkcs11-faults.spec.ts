import { KeyFault, type KeyFaultKind } from '../key-provider.js';
import { isFinal, pkcs11Fault } from './pkcs11-faults.js';

/** As pkcs11js throws them: with a name and a number, or both in the message. */
const thrown = (message: string, code?: number) => Object.assign(new Error(message), { code });

describe('what a token says', () => {
  test.each<[string, Error, KeyFaultKind]>([
    ['of changed data', thrown('CKR_ENCRYPTED_DATA_INVALID', 64), 'integrity'],
    ['of a wrong tag, by a number that has no name', thrown('CKR_VENDOR_DEFINED', 0x42), 'integrity'],
    ['of the same in the message', thrown('CKR_VENDOR_DEFINED:66'), 'integrity'],
    ['of a key that was destroyed meanwhile', thrown('CKR_KEY_HANDLE_INVALID', 96), 'destroyed'],
    ['of a mechanism it does not have', thrown('CKR_MECHANISM_INVALID', 112), 'denied'],
    ['of a prohibited action', thrown('CKR_VENDOR_DEFINED:27'), 'denied'],
    ['of a locked PIN', thrown('CKR_PIN_LOCKED', 164), 'denied'],
    ['of itself being gone', thrown('CKR_TOKEN_NOT_PRESENT', 224), 'unavailable'],
    ['of its device', thrown('CKR_DEVICE_ERROR', 48), 'unavailable'],
    ['that nobody knows', thrown('CKR_VENDOR_DEFINED', 0x80000001), 'unavailable'],
    ['that is no return value', new TypeError('Argument 1 has wrong type: 648219'), 'unavailable'],
  ])('%s, has its kind', (_, error, kind) => {
    expect(pkcs11Fault('unwrapping a key', error).kind).toBe(kind);
  });

  test('is repeated by name only', () => {
    const fault = pkcs11Fault('logging in', thrown('CKR_DEVICE_ERROR:48\n    at C_Login (648219)'));
    expect(fault.message).toBe('PKCS#11: logging in failed with CKR_DEVICE_ERROR');
    expect(pkcs11Fault('logging in', new Error('the PIN is 648219')).message).not.toContain('648219');
    expect(fault.cause).toBeUndefined();
  });

  test('is not asked about again when that could lock a PIN or change nothing', () => {
    const final = ['CKR_PIN_INCORRECT', 'CKR_PIN_LOCKED', 'CKR_ENCRYPTED_DATA_INVALID'];
    expect(final.filter((name) => !isFinal(thrown(name)))).toEqual([]);
    expect(isFinal(new KeyFault('destroyed', 'gone'))).toBe(true);
    expect(isFinal(thrown('CKR_DEVICE_ERROR'))).toBe(false);
  });
});
