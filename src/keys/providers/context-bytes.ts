import type { KeyContext } from '../key-provider.js';

const LABEL = 'business-store data key';

/** What a wrapped key is bound to, as associated data: each part after its length in 4 bytes, so that no two contexts read the same. */
export function contextBytes({ tenantId, purpose, version }: KeyContext): Buffer {
  return Buffer.concat([LABEL, tenantId, purpose, String(version)].flatMap(withLength));
}

function withLength(part: string): Buffer[] {
  const bytes = Buffer.from(part);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return [length, bytes];
}
