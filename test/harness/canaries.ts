import { createHash, randomBytes } from 'node:crypto';

/**
 * Known secrets and how they are found again, whatever they were encoded as. All of one flock begin with the same letters: the search is
 * for those, so that what was cut off behind them is found too.
 */

/** Letters only, so that no encoding has to escape them, and twelve of them, so that chance does not make them. */
const CALL_LENGTH = 12;

/** A number's first digits; what else begins so is told apart by the rest. */
const NUMBER_CALL = '8675309';
const NUMBER_HEX = Buffer.from(NUMBER_CALL).toString('hex');

/** Where and as what a secret was found. */
export interface Sighting {
  readonly place: string;
  readonly as: string;
  /** What stands around it. */
  readonly text: string;
}

export class Canaries {
  readonly texts: string[] = [];
  private readonly numbers = new Set<string>();
  /** What a plain hash would be taken of: a secret, or a body with some. */
  private readonly digests = new Map<string, string>();
  private readonly needles: readonly (readonly [as: string, bytes: Buffer])[];

  /** @param call twelve letters, in capitals and others */
  constructor(private readonly call: string) {
    if (call.length !== CALL_LENGTH || !/^[A-Za-z]+$/.test(call)) throw new Error('a call has twelve letters');
    this.needles = needlesOf(call);
  }

  /** A new secret: 32 letters and digits, or more. */
  text(length = 32): string {
    const random = randomBytes(length).toString('base64url').replace(/[-_]/g, 'x');
    const text = this.call + random.slice(0, length - CALL_LENGTH);
    this.texts.push(text);
    this.sent(text);
    this.sent(JSON.stringify(text));
    return text;
  }

  /** A new secret number of 15 digits. */
  number(): number {
    const text = NUMBER_CALL + String(randomBytes(4).readUInt32BE() % 100_000_000).padStart(8, '0');
    this.numbers.add(text);
    this.sent(text);
    return Number(text);
  }

  /** The whole of what was sent, whose plain hash would let values be tried out. */
  sent(text: string): void {
    for (const algorithm of ['md5', 'sha1', 'sha256', 'sha512']) {
      this.digests.set(createHash(algorithm).update(text).digest('hex'), algorithm);
    }
  }

  /** In bytes of any kind. */
  in(place: string, bytes: Buffer): Sighting[] {
    const found = this.needles.flatMap(([as, needle]) => {
      const at = bytes.indexOf(needle);
      return at < 0 ? [] : [{ place, as, text: around(bytes, at) }];
    });
    return [...found, ...this.numbersIn(place, bytes)];
  }

  /** In text as well, where hashes are hex. */
  inText(place: string, text: string): Sighting[] {
    return [...this.in(place, Buffer.from(text)), ...this.digestsIn(place, text)];
  }

  private numbersIn(place: string, bytes: Buffer): Sighting[] {
    const found: Sighting[] = [];
    for (let at = bytes.indexOf(NUMBER_CALL); at >= 0 && found.length === 0; at = bytes.indexOf(NUMBER_CALL, at + 1)) {
      const digits = bytes.toString('latin1', at, at + 15);
      if (this.numbers.has(digits)) found.push({ place, as: 'digits', text: around(bytes, at) });
    }
    for (let at = bytes.indexOf(NUMBER_HEX); at >= 0; at = bytes.indexOf(NUMBER_HEX, at + 1)) {
      const digits = Buffer.from(bytes.toString('latin1', at, at + 30), 'hex').toString('latin1');
      if (this.numbers.has(digits)) return [...found, { place, as: 'digits in hex', text: around(bytes, at) }];
    }
    return found;
  }

  private digestsIn(place: string, text: string): Sighting[] {
    for (const [run] of text.matchAll(/[0-9a-f]{32,}/g)) {
      for (const length of [32, 40, 64, 128]) {
        for (let at = 0; at + length <= run.length; at += 2) {
          const algorithm = this.digests.get(run.slice(at, at + length));
          if (algorithm !== undefined) return [{ place, as: `plain ${algorithm}`, text: run.slice(0, 200) }];
        }
      }
    }
    return [];
  }
}

function needlesOf(call: string): (readonly [string, Buffer])[] {
  const bytes = Buffer.from(call);
  const hex = bytes.toString('hex');
  const escaped = [...call].map((letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  // Where it does not begin on a group of three bytes, only the groups that are whole are known.
  const base64 = (skipped: number): Buffer => {
    const whole = Math.floor((bytes.length - skipped) / 3) * 3;
    return Buffer.from(bytes.subarray(skipped, skipped + whole).toString('base64'));
  };
  return [
    ['text', bytes],
    ['small letters', Buffer.from(call.toLowerCase())],
    ['capitals', Buffer.from(call.toUpperCase())],
    ['hex', Buffer.from(hex)],
    ['HEX', Buffer.from(hex.toUpperCase())],
    ['percent-encoded', Buffer.from(hex.replace(/../g, '%$&'))],
    ['hex of hex', Buffer.from(Buffer.from(hex).toString('hex'))],
    // Without the zero byte at its end, or its beginning: the same in either order, and not looked for wherever there are zeros.
    ['UTF-16', Buffer.from(call, 'utf16le').subarray(0, -1)],
    ['JSON escapes', Buffer.from(escaped)],
    ['base64', base64(0)],
    ['base64, one behind', base64(2)],
    ['base64, two behind', base64(1)],
    ['backwards', Buffer.from([...call].reverse().join(''))],
  ];
}

function around(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', Math.max(0, at - 80), at + 120).replace(/[^\x20-\x7e]/g, '·');
}
