import { generateKeyPairSync } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { readSigningKey, type SigningKey } from '../model/audit/signing-key.js';

/**
 * The key that signs checkpoints where nobody has set one: made at the first start, `audit-signing-key.pem` (0600) of the data
 * directory.
 */
export async function embeddedSigningKey(dataDir: string): Promise<SigningKey> {
  const file = join(dataDir, 'audit-signing-key.pem');
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return null;
  });
  if (known !== null) return readSigningKey(known);
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  // Written aside and renamed: a crash leaves no half of it.
  await writeFile(`${file}.new`, pem, { mode: 0o600 });
  await rename(`${file}.new`, file);
  return readSigningKey(pem);
}
