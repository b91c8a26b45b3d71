import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import { BrokenCell, type CellHead, type CellPlace, NO_TAG, openCell, readHead, sealCell, TAG_BYTES, TAGS_AT } from './cell.js';

const KEY = createSecretKey(Buffer.alloc(32, 1));
const PLACE: CellPlace = { tenantId: 't1', entityId: 'e1', field: 'ssn@1', recordId: 'r1' };
const PLAIN = Buffer.from('"123-45-6789"');
const TAGS: [Buffer, Buffer] = [NO_TAG, Buffer.alloc(TAG_BYTES, 5)];
const SUBJECT = Buffer.alloc(16, 6);
const NONCE_BYTES = 12;
const GCM_TAG_BYTES = 16;

const heads: readonly (readonly [string, CellHead])[] = [
  ['plain', { version: 1, tags: null, subject: null }],
  ['searchable', { version: 258, tags: TAGS, subject: null }],
  ["about somebody's", { version: 3, tags: null, subject: SUBJECT }],
  ["searchable, about somebody's", { version: 0x7fffffff, tags: TAGS, subject: SUBJECT }],
];
const PLAIN_HEAD: CellHead = { version: 1, tags: null, subject: null };
const BODY_AT = TAGS_AT;

const seal = (head = PLAIN_HEAD, plain = PLAIN): Buffer => sealCell(KEY, PLACE, head, plain);
const open = (cell: Buffer, place = PLACE): string => openCell(KEY, place, cell).toString();

function changed(cell: Buffer, at: number, to: number): Buffer {
  const copy = Buffer.from(cell);
  copy[at] = to;
  return copy;
}

describe.each(heads)('a cell that is %s', (_name, head) => {
  it('does not open once any one bit of it is another', () => {
    const cell = seal(head);
    const opened = [...cell.keys()].flatMap((at) =>
      [0x01, 0x02, 0x80].flatMap((bit) => {
        const tampered = changed(cell, at, (cell[at] as number) ^ bit);
        return isBroken(() => open(tampered)) ? [] : [`byte ${at} ^ ${bit}`];
      }),
    );
    expect(opened).toEqual([]);
  });

  it('does not open cut off anywhere, nor with anything behind it', () => {
    const cell = seal(head);
    const opened = [...cell.keys()].filter((length) => !isBroken(() => open(cell.subarray(0, length))));
    expect(opened).toEqual([]);
    for (const more of [1, 12, 16]) expect(isBroken(() => open(Buffer.concat([cell, Buffer.alloc(more)])))).toBe(true);
  });

  it('opens where it was put, and says of itself what was said', () => {
    const cell = seal(head);
    expect(open(cell)).toBe(PLAIN.toString());
    expect(readHead(cell, PLACE)).toEqual(head);
  });
});

describe('a cell', () => {
  it.each(Object.keys(PLACE) as (keyof CellPlace)[])('that was moved to another %s does not open', (member) => {
    expect(isBroken(() => open(seal(), { ...PLACE, [member]: `${PLACE[member]}0` }))).toBe(true);
  });

  it('opens at no place whose names only read alike when they are put together', () => {
    const cell = sealCell(KEY, { ...PLACE, entityId: 'ab', field: 'c' }, PLAIN_HEAD, PLAIN);
    expect(isBroken(() => open(cell, { ...PLACE, entityId: 'a', field: 'bc' }))).toBe(true);
  });

  it('does not open under another version of the key, nor as one of another version', () => {
    const other = createSecretKey(Buffer.alloc(32, 2));
    expect(isBroken(() => openCell(other, PLACE, seal()))).toBe(true);
    expect(isBroken(() => open(changed(seal(), TAGS_AT - 1, 2)))).toBe(true);
  });

  it.each([
    ['format 0', 0, 0],
    ['format 5', 0, 5],
    ['format 255', 0, 255],
    ['algorithm 0', 1, 0],
    ['algorithm 2', 1, 2],
  ])('of %s is refused before any key is looked for', (_name, at, to) => {
    expect(isBroken(() => readHead(changed(seal(), at, to), PLACE))).toBe(true);
  });

  it.each([0, 0x80000000, 0xffffffff])('of key version %d is refused before any key is looked for', (version) => {
    const cell = seal();
    cell.writeUInt32BE(version, 2);
    expect(isBroken(() => readHead(cell, PLACE))).toBe(true);
    expect(isBroken(() => open(cell))).toBe(true);
  });

  it('with a tag of 4, 8 or 12 bytes does not open, which Node would let it do', () => {
    const cell = seal();
    const [nonce, rest] = [cell.subarray(BODY_AT, BODY_AT + NONCE_BYTES), cell.subarray(BODY_AT + NONCE_BYTES)];
    const [text, tag] = [rest.subarray(0, -GCM_TAG_BYTES), rest.subarray(-GCM_TAG_BYTES)];
    for (const length of [4, 8, 12]) {
      expect(isBroken(() => open(cell.subarray(0, cell.length - (GCM_TAG_BYTES - length))))).toBe(true);
      // The same bytes, by somebody who did not say how long a tag is.
      const lax = createDecipheriv('aes-256-gcm', KEY, nonce);
      lax.setAAD(Buffer.concat([placeBytes(PLACE), cell.subarray(0, BODY_AT)]));
      lax.setAuthTag(tag.subarray(0, length));
      expect(Buffer.concat([lax.update(text), lax.final()]).toString()).toBe(PLAIN.toString());
    }
  });

  it('that was made elsewhere with a short tag does not open either', () => {
    const front = seal().subarray(0, BODY_AT);
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', KEY, nonce, { authTagLength: 4 });
    cipher.setAAD(Buffer.concat([placeBytes(PLACE), front]));
    const text = Buffer.concat([cipher.update(Buffer.alloc(64, 'x')), cipher.final()]);
    const forged = Buffer.concat([front, nonce, text, cipher.getAuthTag()]);
    expect(isBroken(() => open(forged))).toBe(true);
  });

  it('of nothing opens as nothing, and nothing at all is no cell', () => {
    const cell = seal(PLAIN_HEAD, Buffer.alloc(0));
    expect([cell.length, open(cell)]).toEqual([BODY_AT + NONCE_BYTES + GCM_TAG_BYTES, '']);
    expect(isBroken(() => open(Buffer.alloc(0)))).toBe(true);
  });

  it('of the same value is another every time', () => {
    const cells = Array.from({ length: 1_000 }, () => seal().toString('hex'));
    expect(new Set(cells).size).toBe(cells.length);
    expect(new Set(cells.map((cell) => cell.slice(2 * BODY_AT, 2 * (BODY_AT + NONCE_BYTES)))).size).toBe(cells.length);
  });

  it('that stood here before opens still: which of two is the later one, only the trail can say', () => {
    const [older, later] = [seal(PLAIN_HEAD, Buffer.from('"older"')), seal(PLAIN_HEAD, Buffer.from('"later"'))];
    expect([open(later), open(older)]).toEqual(['"later"', '"older"']);
  });

  it('that is broken tells clients and logs nothing of what it holds', () => {
    const cell = seal();
    cell[cell.length - 1] = (cell[cell.length - 1] as number) ^ 1;
    const error = caught(() => open(cell));
    expect(error).toMatchObject({ code: 'key/integrity', place: PLACE });
    const told = `${JSON.stringify(error)} ${(error as Error).stack}`;
    expect(told).not.toContain(cell.subarray(BODY_AT).toString('hex').slice(0, 16));
    expect(told).not.toContain('123-45');
  });
});

/** As the codec says it, written down once more: each part behind its length in four bytes. */
function placeBytes({ tenantId, entityId, field, recordId }: CellPlace): Buffer {
  const parts = [tenantId, entityId, field, recordId];
  return Buffer.from(parts.map((part) => `\0\0\0${String.fromCharCode(part.length)}${part}`).join(''), 'latin1');
}

function caught(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  return null;
}

function isBroken(work: () => unknown): boolean {
  return caught(work) instanceof BrokenCell;
}
