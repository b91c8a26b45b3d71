import { createHmac, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/**
 * What an API key looks like, `bss_<environment>_<id>_<secret>_<checksum>`, and the hash that is kept of it. Mistyped, cut off or of
 * another environment, it is known to be no key by its text alone: nobody has to be asked.
 */

/** The id is a uuid without its dashes, the secret 256 random bits in 43 digits, the checksum CRC-32 of all before it. */
const SHAPE = /^(bss_([a-z0-9]{1,16})_([0-9a-f]{32})_([0-9A-Za-z]{43}))_([0-9a-f]{8})$/;
const LONGEST = 128;

const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const SECRET_BYTES = 32;
const SECRET_DIGITS = 43;

/** How every key begins, and no JSON Web Token does. */
export const API_KEY_PREFIX = 'bss_';

export interface MadeApiKey {
  /** The key, for whoever asked for it. */
  readonly text: string;
  /** 32 bytes, for the table. */
  readonly hash: Buffer;
}

export interface ReadApiKey {
  /** A uuid. */
  readonly id: string;
  readonly hash: Buffer;
}

export class ApiKeyForm {
  /** @param pepper 32 bytes; null: this installation has no API keys. */
  constructor(
    private readonly environment: string,
    private readonly pepper: Buffer | null,
  ) {}

  /** A key with a new secret; null where there is no pepper. @param id a uuid */
  make(id: string): MadeApiKey | null {
    if (this.pepper === null) return null;
    const secret = inDigits(randomBytes(SECRET_BYTES));
    const text = `${API_KEY_PREFIX}${this.environment}_${id.toLowerCase().replaceAll('-', '')}_${secret}`;
    return { text: `${text}_${checksumOf(text)}`, hash: this.hashOf(secret, this.pepper) };
  }

  /** null when it is no key of this installation, whatever the table says. */
  read(text: string): ReadApiKey | null {
    if (this.pepper === null || text.length > LONGEST) return null;
    const [, checked = '', environment, hex = '', secret = '', checksum] = SHAPE.exec(text) ?? [];
    if (environment !== this.environment || checksum !== checksumOf(checked)) return null;
    return { id: hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5'), hash: this.hashOf(secret, this.pepper) };
  }

  private hashOf(secret: string, pepper: Buffer): Buffer {
    return createHmac('sha256', pepper).update(secret).digest();
  }
}

function checksumOf(text: string): string {
  return crc32(text).toString(16).padStart(8, '0');
}

/** Base 62, as double-click selects it. */
function inDigits(bytes: Buffer): string {
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (; text.length < SECRET_DIGITS; rest /= 62n) text = DIGITS[Number(rest % 62n)] + text;
  return text;
}
