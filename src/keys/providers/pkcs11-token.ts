import type { Handle, PKCS11 } from 'pkcs11js';
import { KeyFault } from '../key-provider.js';
import { isFinal, isPinRefused, isSessionLost, NO_TOKEN, pkcs11Fault, returnValueOf } from './pkcs11-faults.js';
import { type Cryptoki, TokenSession } from './pkcs11-session.js';

/**
 * One session with one token, logged in when it is first needed and again when it is lost. Every call here holds up its thread until
 * the token has answered, however long that takes: only `pkcs11-worker.ts` may enter.
 */

export interface TokenOptions {
  /** Path of the module, such as /usr/lib/softhsm/libsofthsm2.so. */
  readonly library: string;
  readonly tokenLabel: string;
  readonly pin: string;
}

/** Before each further try. All of it is less than what a caller waits. */
const PAUSES_MS = [5, 40, 150];
const nothing = new Int32Array(new SharedArrayBuffer(4));

export class Pkcs11Token {
  private session: Handle | null = null;
  private refusal: KeyFault | null = null;

  private constructor(
    private readonly cryptoki: Cryptoki,
    private readonly module: PKCS11,
    private readonly options: TokenOptions,
  ) {}

  /** Reaches for no token yet. @throws Error when there is no such module, or nothing to load it with */
  static async open(options: TokenOptions): Promise<Pkcs11Token> {
    const cryptoki = await import('pkcs11js').catch(() => {
      throw new Error(
        'PKCS#11 needs the optional package pkcs11js, which is compiled when it is installed: ' +
          'install a C++ compiler, make and Python, and run npm rebuild pkcs11js',
      );
    });
    const module = new cryptoki.PKCS11();
    try {
      module.load(options.library);
    } catch {
      throw new Error(`PKCS#11: ${options.library} is no PKCS#11 module that can be loaded here`);
    }
    return new Pkcs11Token(cryptoki, module, options);
  }

  /**
   * Runs in a session that is logged in, and a few times more where that may help: sessions are lost, and SoftHSM fails in many ways while
   * another process writes the file it reads, as each does that logs in. The work may be done twice.
   * @throws KeyFault
   */
  run<T>(doing: string, work: (session: TokenSession) => T): T {
    for (let attempt = 0; ; attempt++) {
      try {
        this.session ??= this.connect();
        return work(new TokenSession(this.cryptoki, this.module, this.session));
      } catch (error) {
        if (isSessionLost(error)) this.close();
        const pause = PAUSES_MS[attempt];
        if (pause === undefined || isFinal(error)) throw pkcs11Fault(doing, error);
        Atomics.wait(nothing, 0, 0, pause);
      }
    }
  }

  /**
   * Begins anew with what the token holds now, where a key is not found: a session that lost its login sees none and does not say so, and
   * SoftHSM 2.6 overlooks keys that another process made while this one made its own.
   */
  restart(): void {
    this.close();
    // What says that it is not initialised has the same end.
    ignoring(() => this.module.C_Finalize());
  }

  close(): void {
    if (this.session) ignoring(() => this.module.C_CloseSession(this.session as Handle));
    this.session = null;
  }

  private connect(): Handle {
    if (this.refusal) throw this.refusal;
    const { CKF_OS_LOCKING_OK, CKF_SERIAL_SESSION, CKF_RW_SESSION, CKU_USER } = this.cryptoki;
    try {
      ignoring(() => this.module.C_Initialize({ flags: CKF_OS_LOCKING_OK }), 'CKR_CRYPTOKI_ALREADY_INITIALIZED');
      const session = this.module.C_OpenSession(this.slot(), CKF_SERIAL_SESSION | CKF_RW_SESSION);
      ignoring(() => this.module.C_Login(session, CKU_USER, this.options.pin), 'CKR_USER_ALREADY_LOGGED_IN');
      return session;
    } catch (error) {
      // Modules look for their tokens when they are initialised, and some find a lost one in no other way.
      this.restart();
      if (isPinRefused(error)) this.refusal = pkcs11Fault('logging in', error);
      throw error;
    }
  }

  private slot(): Handle {
    const named = this.module
      .C_GetSlotList(true)
      .filter((slot) => this.module.C_GetTokenInfo(slot).label.trimEnd() === this.options.tokenLabel);
    if (named.length > 1) throw new KeyFault('denied', 'PKCS#11: several tokens have the label that is configured');
    if (named.length === 0) throw new Error(NO_TOKEN);
    return named[0] as Handle;
  }
}

/** @param value the one return value that is as good as success; without it, whatever happens is */
function ignoring(work: () => void, value?: string): void {
  try {
    work();
  } catch (error) {
    if (value !== undefined && returnValueOf(error) !== value) throw error;
  }
}
