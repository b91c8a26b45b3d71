import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import type { KeysView } from '../encryption/keys.service.js';
import { type DestructionReceipt, verifiedReceipt } from '../model/audit/destruction-receipt.js';
import { type PublicKey, readPublicKeys } from '../model/audit/signing-key.js';
import { counted } from '../platform/counted.js';
import { type ServiceOptions, speaksToService, tenantClient } from './service-client.js';

interface ReceiptOptions extends ServiceOptions {
  readonly publicKey?: string;
  readonly json?: boolean;
}

/** Says what the receipt of destroyed keys says, once its signature is verified. */
export function receiptCommand(): Command {
  return speaksToService(new Command('receipt'), 'admin')
    .description('Verify the receipt of destroyed keys: that of the service, or one in a file, for which no service is needed')
    .argument('[file]', 'what GET …/keys has as its receipt, or its JWS alone')
    .option('--public-key <file>', 'for a file: PEM, JWK or JWK Set of the keys that sign (GET /api/v1/audit/keys)')
    .option('--json', 'the receipt as JSON')
    .addHelpText('after', '\nExit code 1: the receipt is not signed by any of the keys.')
    .action(async (file: string | undefined, options: ReceiptOptions) => {
      const { jws, keys } = file === undefined ? await online(options) : await inFile(file, options);
      const receipt = verifiedReceipt(jws, keys);
      if (!receipt) throw new Error('the receipt is signed by none of the keys, or is not what was signed');
      process.stdout.write(options.json ? `${JSON.stringify(receipt)}\n` : receiptText(receipt, 'signed'));
    });
}

export function receiptText(receipt: DestructionReceipt, signature: 'signed' | 'unsigned'): string {
  const { tenant, at, destroyed, providerKeys, dataKeys, subjectKeys, proof } = receipt;
  const lines = [
    `${destroyed ? 'destroyed' : 'NOT DESTROYED EVERYWHERE'}: the keys of tenant ${tenant}, at ${at} (${signature})`,
    ...providerKeys.map(({ provider, keyRef, destroyed: gone, detail }) => {
      return `  ${provider} ${keyRef}: ${gone ? 'destroyed' : 'NOT DESTROYED'}. ${detail}`;
    }),
    `  ${counted(dataKeys.length, 'data key')} and ${counted(subjectKeys, 'key')} of people went with them`,
    ...proof.map(({ what, provider, purpose, version, outcome }) => {
      const which = [provider, purpose, version].filter((word) => word !== undefined).join(' ');
      return `  tried: ${what}${which === '' ? '' : ` (${which})`}: ${outcome}`;
    }),
  ];
  return `${lines.join('\n')}\n`;
}

async function online(options: ReceiptOptions): Promise<{ jws: string; keys: readonly PublicKey[] }> {
  if (options.publicKey) throw new Error('--public-key is for a file: name it');
  const { client, base } = await tenantClient(options);
  const { receipt } = await client.get<KeysView>(`${base}/keys`);
  if (!receipt) throw new Error('there is no receipt: the keys are not destroyed, or the provider has not said so yet');
  return { jws: signed(receipt), keys: readPublicKeys(await client.text('/api/v1/audit/keys')) };
}

async function inFile(file: string, { publicKey }: ReceiptOptions): Promise<{ jws: string; keys: readonly PublicKey[] }> {
  if (publicKey === undefined)
    throw new Error('a receipt in a file is verified with the public keys that sign: name them with --public-key');
  const keys = readPublicKeys(await readFile(publicKey, 'utf8'));
  const text = (await readFile(file, 'utf8')).trim();
  return { jws: text.startsWith('{') ? signed(JSON.parse(text)) : text, keys };
}

function signed({ jws }: { readonly jws: string | null }): string {
  if (typeof jws === 'string') return jws;
  throw new Error('the receipt is not signed: the installation had no AUDIT_SIGNING_KEY');
}
