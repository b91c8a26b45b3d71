import type { KMSClient } from '@aws-sdk/client-kms';
import { type Destruction, type KeyContext, KeyFault, type KeyProvider } from '../key-provider.js';
import { awsKmsFault } from './aws-kms-faults.js';

/**
 * AWS KMS: one symmetric key that tenants share, or a tenant's own in an account of its own (BYOK). What a data key is bound to is KMS'
 * encryption context, which stands readable in CloudTrail: ids only. Which keys we may use is for the policy of our role to say.
 */

type Kms = typeof import('@aws-sdk/client-kms');

export interface AwsKmsOptions {
  /** Id or ARN of the key of all tenants that bring none. */
  readonly keyId?: string;
  /** ARNs of the keys that tenants bring, by tenant id. */
  readonly tenantKeys?: ReadonlyMap<string, string>;
  /** Of `keyId` when that is no ARN, which says its own; by default what the environment says. */
  readonly region?: string;
  readonly endpoint?: string;
  /** By default what the SDK finds: environment, web identity, container, instance. */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string };
  /** Of one call, 1,400 by default: less than what a caller waits. There is no second try, which is the caller's to make. */
  readonly timeoutMs?: number;
}

const TIMEOUT_MS = 1_400;
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html */
const LONGEST_CIPHERTEXT = 6_144;
const KEY_ARN = /^arn:aws[a-z-]*:kms:([a-z0-9-]{1,40}):\d{12}:key\/[A-Za-z0-9-]{1,128}$/;
const KEY_ID = /^[A-Za-z0-9-]{1,128}$/;

/**
 * The SDK is loaded here and nowhere else: 80 to 130 ms and 19 MB.
 * @throws Error that says which option is wrong
 */
export async function openAwsKms(options: AwsKmsOptions): Promise<AwsKms> {
  const { keyId, tenantKeys = new Map<string, string>() } = options;
  if (keyId === undefined && tenantKeys.size === 0)
    throw new Error('AWS KMS: no key is named, neither a shared one nor any tenant’s');
  // What an alias points at can be changed, and then nothing opens any more.
  if (keyId !== undefined && !KEY_ID.test(keyId) && !KEY_ARN.test(keyId)) {
    throw new Error('AWS KMS: the key is to be named by its id or its ARN, not by an alias');
  }
  for (const [tenantId, arn] of tenantKeys) {
    if (!KEY_ARN.test(arn)) throw new Error(`AWS KMS: the key of tenant ${tenantId} is to be named by the ARN of a key`);
  }
  return new AwsKms(await import('@aws-sdk/client-kms'), options);
}

export class AwsKms implements KeyProvider {
  readonly name = 'aws-kms';
  // Private to the language too: their configuration holds credentials, which no log of this object is to show.
  readonly #clients = new Map<string, KMSClient>();
  readonly #kms: Kms;
  readonly #options: AwsKmsOptions;

  constructor(kms: Kms, options: AwsKmsOptions) {
    this.#kms = kms;
    this.#options = options;
  }

  /** Makes none: keys of KMS are made, with their policies, by whoever runs the account. */
  async createKey(tenantId: string): Promise<string> {
    const key = this.#options.tenantKeys?.get(tenantId) ?? this.#options.keyId;
    if (key === undefined) throw new KeyFault('denied', 'AWS KMS: no key is configured for the tenant');
    return key;
  }

  async wrap(keyRef: string, context: KeyContext, key: Buffer): Promise<Buffer> {
    const command = new this.#kms.EncryptCommand({ KeyId: keyRef, Plaintext: key, EncryptionContext: boundTo(context) });
    const { CiphertextBlob } = await this.ask('Encrypt', (signal) => this.clientOf(keyRef).send(command, signal));
    if (!CiphertextBlob?.length) throw new KeyFault('integrity', 'AWS KMS: Encrypt answered no ciphertext');
    return Buffer.from(CiphertextBlob);
  }

  async unwrap(keyRef: string, context: KeyContext, wrapped: Buffer): Promise<Buffer> {
    if (wrapped.length === 0 || wrapped.length > LONGEST_CIPHERTEXT) {
      throw new KeyFault('integrity', 'AWS KMS: what is stored is not what KMS wrapped');
    }
    // Without the key's name KMS would open with whichever key of whichever account the ciphertext names.
    const input = { KeyId: keyRef, CiphertextBlob: wrapped, EncryptionContext: boundTo(context) };
    const command = new this.#kms.DecryptCommand(input);
    const { Plaintext } = await this.ask('Decrypt', (signal) => this.clientOf(keyRef).send(command, signal));
    if (!Plaintext) throw new KeyFault('integrity', 'AWS KMS: Decrypt answered no plaintext');
    // The same memory, so that wiping it leaves no second copy.
    return Buffer.from(Plaintext.buffer, Plaintext.byteOffset, Plaintext.byteLength);
  }

  /**
   * For all tenants at once where they share the key, of whose rotations there are 25 in its life: to be asked for once per key, not per
   * tenant. KMS goes on wrapping with the old material until it has rotated, some seconds later.
   * https://docs.aws.amazon.com/kms/latest/APIReference/API_RotateKeyOnDemand.html
   */
  async rotateKey(keyRef: string): Promise<void> {
    const command = new this.#kms.RotateKeyOnDemandCommand({ KeyId: keyRef });
    await this.ask('RotateKeyOnDemand', (signal) => this.clientOf(keyRef).send(command, signal));
  }

  /** Destroys nothing: others use a shared key, and a tenant's own is the tenant's, who schedules its deletion there. */
  async destroyKey(keyRef: string): Promise<Destruction> {
    const detail =
      keyRef === this.#options.keyId
        ? 'The AWS KMS key is shared with other tenants and stays; whoever has copies of the wrapped keys and may use it can open them.'
        : 'The AWS KMS key is the tenant’s own: only the tenant can take away our access to it and schedule its deletion.';
    return { destroyed: false, detail };
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }

  /** One for each region: a tenant's own key may be in another. */
  private clientOf(keyRef: string): KMSClient {
    const { endpoint, credentials, timeoutMs = TIMEOUT_MS } = this.#options;
    const region = KEY_ARN.exec(keyRef)?.[1] ?? this.#options.region;
    const known = this.#clients.get(region ?? '');
    if (known) return known;
    const client = new this.#kms.KMSClient({
      ...{ region, endpoint, credentials },
      maxAttempts: 1,
      requestHandler: { connectionTimeout: timeoutMs, requestTimeout: timeoutMs, throwOnRequestTimeout: true },
    });
    this.#clients.set(region ?? '', client);
    return client;
  }

  private async ask<T>(operation: string, send: (options: { abortSignal: AbortSignal }) => Promise<T>): Promise<T> {
    try {
      return await send({ abortSignal: AbortSignal.timeout(this.#options.timeoutMs ?? TIMEOUT_MS) });
    } catch (error) {
      throw awsKmsFault(operation, error);
    }
  }
}

function boundTo({ tenantId, purpose, version }: KeyContext): Record<string, string> {
  return { service: 'business-store', tenant: tenantId, purpose, version: String(version) };
}
