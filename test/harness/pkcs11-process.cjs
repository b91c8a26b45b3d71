/** A provider over PKCS#11 in a process of its own, driven by messages. The hook for TypeScript is preloaded, for its worker too. */
const { setTimeout: delay } = require('node:timers/promises');
const { inspect } = require('node:util');
const { KeyFault } = require('../../src/keys/key-provider.ts');
const { openPkcs11 } = require('../../src/keys/providers/pkcs11.ts');

let provider;

const own = {
  open: async (options) => {
    provider = await openPkcs11(options);
  },
  inspected: () => inspect(provider, { depth: 20, showHidden: true }),
  interfere: (how, library) => {
    const { PKCS11, CKF_SERIAL_SESSION } = require('pkcs11js');
    const shared = new PKCS11();
    shared.load(library);
    if (how === 'C_Finalize') return shared.C_Finalize();
    for (const slot of shared.C_GetSlotList(true)) {
      if (shared.C_GetTokenInfo(slot).label.trimEnd() !== 'test') continue;
      if (how === 'C_CloseAllSessions') shared.C_CloseAllSessions(slot);
      else shared.C_Logout(shared.C_OpenSession(slot, CKF_SERIAL_SESSION));
    }
  },
  ticks: async (milliseconds) => {
    let count = 0;
    const timer = setInterval(() => count++, 5);
    await delay(milliseconds);
    clearInterval(timer);
    return count;
  },
};

process.on('disconnect', () => process.exit());
process.on('message', async ({ id, method, args }) => {
  try {
    const given = args.map((arg) => (arg instanceof Uint8Array ? Buffer.from(arg) : arg));
    process.send({ id, answer: await (own[method] ?? ((...of) => provider[method](...of)))(...given) });
  } catch (error) {
    const { kind, message } = error;
    const inspected = inspect(error, { depth: 20, showHidden: true });
    process.send(error instanceof KeyFault ? { id, fault: { kind, message, inspected } } : { id, error: String(message) });
  }
});
