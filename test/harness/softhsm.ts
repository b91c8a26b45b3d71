import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type KeyContext, KeyFault } from '../../src/keys/key-provider.js';

/**
 * Tokens of SoftHSM, a PKCS#11 module in software, where it is installed: `apt-get install softhsm2`. The module reads where its tokens
 * are from the environment of the process, so that whoever uses one is a process of its own.
 */

export const SOFTHSM_LIBRARY =
  ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib64/pkcs11/libsofthsm2.so', '/opt/homebrew/lib/softhsm/libsofthsm2.so'].find(
    existsSync,
  ) ?? '';

/** Why specs that need it are skipped, for their names; null when they run. */
export const WITHOUT_SOFTHSM: string | null = lacking();

function lacking(): string | null {
  const { status } = spawnSync('softhsm2-util', ['--version']);
  if (SOFTHSM_LIBRARY === '' || status !== 0) return 'SKIPPED, softhsm2 is not installed: ';
  const compiled = spawnSync(process.execPath, ['-e', "require('pkcs11js')"], { cwd: __dirname }).status === 0;
  return compiled ? null : 'SKIPPED, pkcs11js is not compiled: ';
}

export const PIN = '648219-the-pin';

/** A process with a provider; each call is answered as the provider answers it. */
export interface ProviderProcess {
  createKey(tenantId: string): Promise<string>;
  wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer>;
  unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer>;
  rotateKey(keyRef: string): Promise<void>;
  destroyKey(keyRef: string): Promise<{ destroyed: boolean; detail: string }>;
  /** What `util.inspect` shows of the provider. */
  inspected(): Promise<string>;
  /** Calls this on the module, which the provider shares. */
  interfere(how: 'C_CloseAllSessions' | 'C_Finalize' | 'C_Logout'): Promise<void>;
  /** How many times a timer of 5 ms went off in the given time, in milliseconds. */
  ticks(milliseconds: number): Promise<number>;
  close(): Promise<void>;
}

export interface SoftHsm {
  /** Of its tokens, one folder each. */
  readonly folder: string;
  initToken(label: string): void;
  /** @throws Error as `openPkcs11` does */
  start(options?: { library?: string; tokenLabel?: string; pin?: string; preload?: string }): Promise<ProviderProcess>;
  /** Runs statements in a process of its own with `p` (pkcs11js), `m` (the module) and `s` (a session with the token `test`). */
  run(statements: string): string;
  close(): Promise<void>;
}

interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly fault?: { kind: KeyFault['kind']; message: string; inspected: string };
  readonly error?: string;
}

export async function startSoftHsm(): Promise<SoftHsm> {
  const folder = await mkdtemp(join(tmpdir(), 'business-store-test-hsm-'));
  const tokens = join(folder, 'tokens');
  await mkdir(tokens);
  const conf = join(folder, 'softhsm2.conf');
  await writeFile(conf, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  const env = { ...process.env, SOFTHSM2_CONF: conf };
  const children: ProviderProcess[] = [];
  return {
    folder: tokens,
    initToken: (label) => {
      const pins = ['--pin', PIN, '--so-pin', '98127364'];
      const { status, stderr } = spawnSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], { env });
      if (status !== 0) throw new Error(`no token could be made: ${stderr}`);
    },
    start: async (options = {}) => {
      const { preload, ...rest } = { library: SOFTHSM_LIBRARY, tokenLabel: 'test', pin: PIN, ...options };
      const execArgv = [...(preload ? ['-r', preload] : []), '-r', join(__dirname, 'typescript-hook.cjs')];
      const child = fork(join(__dirname, 'pkcs11-process.cjs'), { env, execArgv, serialization: 'advanced' });
      const provider = proxyOf(child);
      children.push(provider);
      await provider.open(rest);
      return provider;
    },
    run: (statements) => {
      const script = `const p = require('pkcs11js'); const m = new p.PKCS11(); m.load(${JSON.stringify(SOFTHSM_LIBRARY)});
        m.C_Initialize({ flags: p.CKF_OS_LOCKING_OK });
        const slot = m.C_GetSlotList(true).find((each) => m.C_GetTokenInfo(each).label.trimEnd() === 'test');
        const s = m.C_OpenSession(slot, p.CKF_SERIAL_SESSION | p.CKF_RW_SESSION);
        m.C_Login(s, p.CKU_USER, ${JSON.stringify(PIN)}); ${statements}`;
      const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], { env, cwd: __dirname, encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
      return stdout.trim();
    },
    close: async () => {
      await Promise.all(children.map((child) => child.close()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function proxyOf(child: ChildProcess): ProviderProcess & { open(options: object): Promise<void> } {
  const waiting = new Map<number, { resolve: (answer: unknown) => void; reject: (error: Error) => void }>();
  let asked = 0;
  child.on('message', ({ id, answer, fault, error }: Reply) => {
    const { resolve, reject } = waiting.get(id)!;
    waiting.delete(id);
    if (fault) reject(Object.assign(new KeyFault(fault.kind, fault.message), { inspected: fault.inspected }));
    else if (error !== undefined) reject(new Error(error));
    else resolve(answer);
  });
  child.on('exit', () => {
    for (const { reject } of waiting.values()) reject(new Error('the process of the provider has ended'));
  });
  const ask = (method: string, ...args: unknown[]) =>
    new Promise<never>((resolve, reject) => {
      const id = ++asked;
      waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject });
      child.send({ id, method, args });
    });
  return {
    open: (options) => ask('open', options),
    createKey: (tenantId) => ask('createKey', tenantId),
    wrap: (keyRef, context, key) => ask('wrap', keyRef, context, key),
    unwrap: (keyRef, context, wrapped) => ask('unwrap', keyRef, context, wrapped),
    rotateKey: (keyRef) => ask('rotateKey', keyRef),
    destroyKey: (keyRef) => ask('destroyKey', keyRef),
    inspected: () => ask('inspected'),
    interfere: (how) => ask('interfere', how, SOFTHSM_LIBRARY),
    ticks: (milliseconds) => ask('ticks', milliseconds),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
    },
  };
}
