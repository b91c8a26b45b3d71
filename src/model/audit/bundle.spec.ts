import { generateKeyPairSync } from 'node:crypto';
import { type BundleCheckpoint, type BundleEvent, type BundleHeader, type BundleLine, BundleVerifier } from './bundle.js';
import { chainHash, GENESIS } from './chain-hash.js';
import { checkpointDigest, signCheckpoint } from './checkpoint.js';
import { leafHash, MerkleTree } from './merkle-tree.js';
import { SentCheckpoints } from './sent-checkpoints.js';
import { readPublicKeys, readSigningKey, type SigningKey } from './signing-key.js';

const TENANT = '01890000-0000-7000-8000-000000000001';
const OTHER = '01890000-0000-7000-8000-000000000009';
const KEY = newKey();
const LENGTH = 20;
const CHECKPOINTS = [8, 14];

function newKey(): SigningKey {
  return readSigningKey(generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }) as string);
}

const uuid = (n: number): string => `01890000-0000-7000-8000-${n.toString(16).padStart(12, '0')}`;
const timeOf = (n: number): string => `2026-01-01T00:${String(n).padStart(2, '0')}:00.000000Z`;

/** An event a minute, checkpoints with the 8th and the 14th, exported some hours later. */
function trail(key = KEY): { lines: BundleLine[]; sent: string[] } {
  const events: BundleEvent[] = [];
  let before: Buffer = GENESIS;
  for (let seq = 1; seq <= LENGTH; seq++) {
    const event = {
      ...{ eventId: uuid(seq), occurredAt: timeOf(seq), actor: 'a', requestId: 'r', action: 'record.created' },
      ...{ entity: 'note', recordId: uuid(seq), body: `{"n":${seq}}` },
    };
    before = chainHash(before, seq, TENANT, event);
    events.push({ type: 'event', seq, hash: before.toString('hex'), ...event });
  }
  const lines: BundleLine[] = [
    {
      ...{ type: 'header', format: 'business-store-audit/1', tenantId: TENANT, exportedAt: '2026-01-01T09:00:00.000Z' },
      ...{ after: { seq: 0, hash: GENESIS.toString('hex') }, endedBefore: null, keys: [key.kid] },
    },
  ];
  const sent: string[] = [];
  for (const event of events) {
    lines.push(event);
    if (!CHECKPOINTS.includes(event.seq)) continue;
    const number = sent.length + 1;
    const heads = [
      { tenantId: TENANT, seq: event.seq, hash: Buffer.from(event.hash, 'hex') },
      { tenantId: OTHER, seq: 3, hash: Buffer.alloc(32, number) },
    ];
    const tree = new MerkleTree(heads.map(leafHash));
    const previous = sent.length === 0 ? null : checkpointDigest(sent.at(-1) as string);
    const time = timeOf(event.seq).replace('000Z', 'Z');
    const jws = signCheckpoint({ number, time, size: 2, root: tree.root.toString('hex'), previous }, key);
    const path = tree.proof(0).map((node) => node.toString('hex'));
    lines.push({ type: 'checkpoint', number, jws, seq: event.seq, hash: event.hash, leafIndex: 0, path });
    sent.push(jws);
  }
  const last = events.at(-1) as BundleEvent;
  return { lines: [...lines, { type: 'end', seq: last.seq, hash: last.hash }], sent };
}

function verified(lines: readonly BundleLine[], sent: readonly string[] | null = null, keys = [KEY]) {
  const checkpoints = sent && new SentCheckpoints();
  for (const jws of sent ?? []) checkpoints?.add(jws);
  checkpoints?.check(keys);
  const verifier = new BundleVerifier(keys, checkpoints);
  for (const line of lines) verifier.line(JSON.stringify(line));
  const { header, ...report } = verifier.finish();
  return report;
}

const firstBad = (lines: readonly BundleLine[], sent: readonly string[] | null = null, keys = [KEY]) => {
  const { valid, firstBad: bad } = verified(lines, sent, keys);
  expect(valid).toBe(bad === undefined);
  return bad && [bad.seq, bad.reason];
};

const isEvent = (line: BundleLine, seq: number): line is BundleEvent => line.type === 'event' && line.seq === seq;
const changed = (seq: number, change: (event: BundleEvent) => Partial<BundleEvent>): BundleLine[] =>
  trail().lines.map((line) => (isEvent(line, seq) ? { ...line, ...change(line) } : line));

/** Recomputes all hashes, as whoever has the database can. */
function rewritten(lines: readonly BundleLine[]): BundleLine[] {
  let before: Buffer = GENESIS;
  return lines.map((line) => {
    if (line.type === 'end') return { ...line, hash: before.toString('hex') };
    if (line.type !== 'event') return line;
    before = chainHash(before, line.seq, TENANT, line);
    return { ...line, hash: before.toString('hex') };
  });
}

describe('a bundle', () => {
  it('is valid as it was exported, with the checkpoints that were sent and without', () => {
    const { lines, sent } = trail();
    const whole = { valid: true, from: 1, events: LENGTH, checkpoints: 2, checkpoint: { number: 2, seq: 14 } };
    expect(verified(lines)).toMatchObject(whole);
    expect(verified(lines, sent)).toMatchObject(whole);
    // Those that were taken after the export are not missed, nor those before the file begins.
    expect(verified(lines, sent.slice(1))).toMatchObject(whole);
  });

  it('names the event of which any part was edited', () => {
    const edits: Partial<BundleEvent>[] = [
      ...[{ body: '{"n":0}' }, { actor: 'b' }, { requestId: '' }, { action: 'record.deleted' }, { entity: null }],
      ...[
        { recordId: uuid(99) },
        { eventId: uuid(99) },
        { occurredAt: timeOf(59) },
        { occurredAt: 'yesterday' },
        { hash: 'ab'.repeat(32) },
      ],
    ];
    for (const edit of edits) expect([edit, firstBad(changed(6, () => edit))]).toEqual([edit, [6, 'edited']]);
  });

  it('names what was deleted, reordered, or taken from another tenant', () => {
    const { lines } = trail();
    expect(firstBad(lines.filter((line) => !isEvent(line, 6)))).toEqual([6, 'deleted']);
    expect(firstBad(lines.filter((line) => !(line.type === 'event' && line.seq > 3 && line.seq < 9)))).toEqual([4, 'deleted']);
    const at = lines.findIndex((line) => isEvent(line, 10));
    const [a, b] = [lines[at], lines[at + 1]] as [BundleEvent, BundleEvent];
    const swapped = (...pair: BundleEvent[]): BundleLine[] => [...lines.slice(0, at), ...pair, ...lines.slice(at + 2)];
    expect(firstBad(swapped(b, a))).toEqual([10, 'reordered']);
    expect(firstBad(swapped({ ...b, seq: 10 }, { ...a, seq: 11 }))).toEqual([10, 'reordered']);
    expect(firstBad(swapped({ ...b, seq: 10, hash: a.hash }, { ...a, seq: 11, hash: b.hash }))).toEqual([10, 'reordered']);
    const [header, ...rest] = lines;
    expect(firstBad([{ ...header, tenantId: OTHER } as BundleLine, ...rest])).toEqual([1, 'edited']);
  });

  it('names what is missing at its beginning, unless it says by when that had ended', () => {
    const { lines } = trail();
    const [header, ...rest] = lines as [BundleHeader, ...BundleLine[]];
    const behind = rest.filter((line) => !(line.type === 'event' && line.seq <= 4));
    const fourth = rest.find((line) => isEvent(line, 4)) as BundleEvent;
    const begin = (change: Partial<BundleHeader>): BundleLine[] => [{ ...header, ...change }, ...behind];
    const after = { seq: 4, hash: fourth.hash };
    expect(firstBad(begin({ after, endedBefore: '2026-01-01T00:00:00Z' }))).toBeUndefined();
    expect(firstBad(begin({ after }))).toEqual([1, 'deleted']);
    expect(firstBad(begin({ after, endedBefore: 'whenever' }))).toEqual([1, 'deleted']);
    expect(firstBad(begin({ after, endedBefore: '2026-02-01T00:00:00Z' }))).toEqual([1, 'deleted']);
    expect(firstBad(begin({ after: { seq: 0, hash: 'ab'.repeat(32) } }))).toEqual([1, 'edited']);
  });

  it('names where its end was cut off', () => {
    const { lines, sent } = trail();
    const cut = (seq: number): BundleLine[] => {
      const kept = lines.filter((line) => line.type === 'header' || (line.type !== 'end' && line.seq <= seq));
      const last = kept.findLast((line) => line.type === 'event') as BundleEvent;
      return [...kept, { type: 'end', seq, hash: last.hash }];
    };
    expect(firstBad(lines.slice(0, -1))).toEqual([LENGTH + 1, 'truncated']);
    expect(firstBad(lines.filter((line) => !(line.type === 'event' && line.seq > 16)))).toEqual([17, 'truncated']);
    // Behind the last checkpoint nobody can tell.
    expect(firstBad(cut(16), sent)).toBeUndefined();
    const checkpoint = lines.find((line) => line.type === 'checkpoint' && line.number === 2) as BundleLine;
    const claimed = cut(10);
    expect(firstBad([...claimed.slice(0, -1), checkpoint, claimed.at(-1) as BundleLine])).toEqual([11, 'truncated']);
    // With the checkpoint it would contradict, only what was sent tells.
    expect(firstBad(cut(10))).toBeUndefined();
    expect(firstBad(cut(10), sent)).toEqual([11, 'missing-checkpoint']);
    expect(firstBad(cut(4), sent)).toEqual([5, 'missing-checkpoint']);
  });

  it('names the checkpoint that a rewritten chain contradicts', () => {
    expect(firstBad(rewritten(changed(6, () => ({ body: '{}' }))))).toEqual([8, 'rewritten']);
    expect(firstBad(rewritten(changed(9, () => ({ body: '{}' }))))).toEqual([14, 'rewritten']);
  });

  it('names checkpoints that are forged', () => {
    const { lines, sent } = trail();
    const forged = trail(newKey());
    expect(firstBad(forged.lines)).toEqual([8, 'forged-checkpoint']);
    const checkpoint = (change: object): BundleLine[] =>
      lines.map((line) => (line.type === 'checkpoint' && line.number === 2 ? { ...line, ...change } : line));
    const [header, payload, signature] = (sent[1] as string).split('.') as [string, string, string];
    const said = JSON.parse(Buffer.from(payload, 'base64url').toString());
    const other = Buffer.from(JSON.stringify({ ...said, size: 3 })).toString('base64url');
    const none = Buffer.from(JSON.stringify({ alg: 'none', kid: KEY.kid, typ: 'bss-checkpoint+jws' })).toString('base64url');
    const changes = [
      { jws: `${header}.${other}.${signature}` },
      { jws: `${none}.${payload}.` },
      { jws: sent[0] },
      { path: [] },
      { path: [`${(lines.find((line) => line.type === 'checkpoint' && line.number === 2) as BundleCheckpoint).path[0]}zz`] },
      { leafIndex: 1 },
      { hash: 'ab'.repeat(32) },
      { jws: 'x' },
      { number: 3 },
    ];
    for (const change of changes) {
      expect([change, firstBad(checkpoint(change))]).toEqual([change, [14, 'forged-checkpoint']]);
    }
    // Signed with the right key by somebody who set everything back, and not what was sent.
    const replaced = trail().lines;
    const again = signCheckpoint({ ...said, time: '2026-01-01T00:14:00.500Z' }, KEY);
    const set = replaced.map((line) => (line.type === 'checkpoint' && line.number === 2 ? { ...line, jws: again } : line));
    expect(firstBad(set)).toBeUndefined();
    expect(firstBad(set, sent)).toEqual([14, 'forged-checkpoint']);
    // Behind its place, where its hash would not be compared with anything.
    const moved = lines.filter((line) => line.type !== 'checkpoint');
    const late = lines.find((line) => line.type === 'checkpoint') as BundleLine;
    expect(firstBad([...moved.slice(0, -1), late, moved.at(-1) as BundleLine])).toEqual([8, 'forged-checkpoint']);
  });

  it('is refused when it is none, or goes on behind its end', () => {
    const { lines } = trail();
    expect(() => verified(lines.slice(1))).toThrow('it does not begin with a header');
    expect(() => verified([])).toThrow('it is empty');
    expect(() => verified([...lines, lines[1] as BundleLine])).toThrow('goes on behind its end');
    expect(() => verified([lines[0] as BundleLine, ...lines])).toThrow('is no audit bundle');
    const header = (change: object): BundleLine => ({ ...(lines[0] as BundleHeader), ...change });
    for (const exportedAt of ['lately', '2026-01-01', '2026-13-01T00:00:00Z', 'Jan 1 2026 (\u001b[2J)', undefined])
      expect(() => verified([header({ exportedAt })])).toThrow('when it was exported');
    expect(() => verified([header({ tenantId: 'x' })])).toThrow('of which tenant');
    expect(() => verified([header({ after: { seq: 1.5, hash: '00'.repeat(32) } })])).toThrow('where it begins');
  });
});

describe('the checkpoints that were sent', () => {
  const { sent } = trail();

  it('may come more than once and in any order', () => {
    expect(verified(trail().lines, [...sent, ...sent].reverse()).valid).toBe(true);
  });

  it('are refused with one missing, with two of one number, or when the last is signed by nobody who is known', () => {
    const third = signCheckpoint(
      { number: 3, time: '2026-01-01T01:00:00Z', size: 1, root: '', previous: checkpointDigest(sent[1] as string) },
      KEY,
    );
    expect(() => verified([], [sent[0] as string, third])).toThrow('checkpoint 3 does not follow from the one before it');
    const fork = signCheckpoint({ number: 2, time: '2026-01-01T01:00:00Z', size: 1, root: '', previous: null }, KEY);
    expect(() => verified([], [...sent, fork])).toThrow('two checkpoints with the number 2');
    expect(() => verified([], [sent[0] as string, fork])).toThrow('checkpoint 2 does not follow');
    expect(() => verified([], sent, [newKey()])).toThrow('none of the public keys has signed checkpoint 2');
  });
});

describe('a signing key', () => {
  it('is PEM or 32 bytes, and known by the thumbprint of RFC 7638', () => {
    // RFC 8037, appendix A: the key and its thumbprint.
    const seed = Buffer.from('nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A', 'base64url');
    const key = readSigningKey(seed.toString('base64'));
    expect(key.kid).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k');
    const pem = key.secret.export({ format: 'pem', type: 'pkcs8' }) as string;
    expect(readSigningKey(pem.replaceAll('\n', '\\n')).kid).toBe(key.kid);
    expect(readPublicKeys(pem)[0]?.kid).toBe(key.kid);
    expect(readPublicKeys(JSON.stringify({ keys: [key.key.export({ format: 'jwk' })] }))[0]?.kid).toBe(key.kid);
  });

  it('is refused when it is of another kind', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
    expect(() => readSigningKey(rsa)).toThrow('must be one of Ed25519');
    expect(() => readSigningKey('c2hvcnQ=')).toThrow('base64 of 32 bytes');
    expect(() => readPublicKeys(rsa)).toThrow('no public key of Ed25519');
    expect(() => readPublicKeys('{"keys":[]}')).toThrow('no public key of Ed25519');
  });
});
