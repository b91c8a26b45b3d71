import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * What AWS KMS does with Encrypt, Decrypt and RotateKeyOnDemand, as far as its AWS JSON 1.1 protocol and its refusals go, on this
 * machine and really encrypting. It takes nothing that is not signed (Signature Version 4) or that it does not know.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
 */

export const ACCESS_KEY = { accessKeyId: 'AKIDTEST', secretAccessKey: 'wJalrXUtnFEMI-a-secret-for-tests' };

type Json = Record<string, unknown>;

interface KmsKey {
  readonly materials: Buffer[];
  /** An error's name in place of every answer, such as `DisabledException`. */
  refusal?: string;
}

export interface KmsServer {
  readonly endpoint: string;
  /** By ARN. */
  readonly keys: Map<string, KmsKey>;
  /** Operation and body of each request that was signed. */
  readonly requests: { operation: string; body: Json; region: string }[];
  /** In place of the next answers: a status and a body, or silence. */
  instead: { status: number; body: string } | 'silence' | 'hang-up' | null;
  close(): Promise<void>;
}

class Refusal extends Error {
  constructor(
    override readonly name: string,
    readonly status = 400,
  ) {
    super(name);
  }
}

export async function startKmsServer(arns: readonly string[]): Promise<KmsServer> {
  const keys = new Map<string, KmsKey>(arns.map((arn) => [arn, { materials: [randomBytes(32)] }]));
  const requests: KmsServer['requests'] = [];
  const server = createServer(async (request, response) => {
    const text = await bodyOf(request);
    if (state.instead === 'silence') return;
    if (state.instead === 'hang-up') return void request.socket.destroy();
    const answer = (status: number, body: string) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(body);
    if (state.instead) return void answer(state.instead.status, state.instead.body);
    try {
      const region = assertSigned(request, text);
      const operation = /^TrentService\.(\w+)$/.exec(String(request.headers['x-amz-target']))?.[1] ?? '';
      const body = JSON.parse(text) as Json;
      requests.push({ operation, body, region });
      answer(200, JSON.stringify(perform(keys, operation, body)));
    } catch (error) {
      const { name, status } = error instanceof Refusal ? error : new Refusal('KMSInternalException', 500);
      answer(status, JSON.stringify({ __type: name, message: `a message that quotes ${text}` }));
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const state: KmsServer = {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    ...{ keys, requests, instead: null },
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return state;
}

function perform(keys: Map<string, KmsKey>, operation: string, body: Json): Json {
  const members: Record<string, string> = {
    Encrypt: 'EncryptionContext,KeyId,Plaintext',
    Decrypt: 'CiphertextBlob,EncryptionContext,KeyId',
    RotateKeyOnDemand: 'KeyId',
  };
  if (Object.keys(body).sort().join(',') !== members[operation]) throw new Refusal('ValidationException');
  const found = [...keys].find(([arn]) => arn === body.KeyId || arn.endsWith(`/${body.KeyId}`));
  if (!found) throw new Refusal('NotFoundException');
  const [arn, key] = found;
  if (key.refusal) throw new Refusal(key.refusal);
  if (operation === 'RotateKeyOnDemand') {
    key.materials.push(randomBytes(32));
    return { KeyId: body.KeyId };
  }
  const context = Buffer.from(JSON.stringify(Object.entries(body.EncryptionContext as Json).sort()));
  const name = Buffer.from(arn.padEnd(80));
  if (operation === 'Encrypt') {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', key.materials.at(-1)!, nonce, { authTagLength: 16 }).setAAD(context);
    const sealed = Buffer.concat([cipher.update(Buffer.from(String(body.Plaintext), 'base64')), cipher.final()]);
    const blob = Buffer.concat([name, Buffer.of(key.materials.length - 1), nonce, sealed, cipher.getAuthTag()]);
    return { CiphertextBlob: blob.toString('base64'), KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  }
  const blob = Buffer.from(String(body.CiphertextBlob), 'base64');
  if (!keys.has(blob.subarray(0, 80).toString().trimEnd())) throw new Refusal('InvalidCiphertextException');
  if (!blob.subarray(0, 80).equals(name)) throw new Refusal('IncorrectKeyException');
  try {
    const material = key.materials[blob.readUInt8(80)]!;
    const cipher = createDecipheriv('aes-256-gcm', material, blob.subarray(81, 93), { authTagLength: 16 }).setAAD(context);
    cipher.setAuthTag(blob.subarray(-16));
    const plain = Buffer.concat([cipher.update(blob.subarray(93, -16)), cipher.final()]);
    return { Plaintext: plain.toString('base64'), KeyId: arn, EncryptionAlgorithm: 'SYMMETRIC_DEFAULT' };
  } catch {
    throw new Refusal('InvalidCiphertextException');
  }
}

/** The region that was signed for. */
function assertSigned(request: IncomingMessage, body: string): string {
  const { headers, method, url } = request;
  if (method !== 'POST' || url !== '/' || headers['content-type'] !== 'application/x-amz-json-1.1') {
    throw new Refusal('ValidationException');
  }
  const said =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/kms\/aws4_request, SignedHeaders=([^,]+), Signature=(\w{64})$/;
  const [, id, day = '', region = '', names = '', signature] = said.exec(headers.authorization ?? '') ?? [];
  if (id !== ACCESS_KEY.accessKeyId) throw new Refusal('UnrecognizedClientException');
  const signed = names.split(';');
  for (const name of ['host', 'x-amz-date', 'x-amz-target', 'content-type']) {
    if (!signed.includes(name)) throw new Refusal('IncompleteSignature', 403);
  }
  const lines = signed.map((name) => `${name}:${String(headers[name]).trim()}\n`).join('');
  const canonical = ['POST', '/', '', lines, names, sha256(body)].join('\n');
  const scope = `${day}/${region}/kms/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(canonical)].join('\n');
  const key = [day, region, 'kms', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${ACCESS_KEY.secretAccessKey}`));
  if (hmac(key, toSign).toString('hex') !== signature) throw new Refusal('InvalidSignatureException');
  return region;
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts).toString();
}
