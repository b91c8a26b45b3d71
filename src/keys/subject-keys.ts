import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { SystemTx } from '../database/control-plane.js';
import { arrayLiteral } from '../model/query/array-literal.js';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';
import type { Subjects } from '../model/sealed/subjects-needed.js';
import { Problem } from '../platform/problem.js';

/**
 * The keys of those whom records are about, sealed under the tenant's data key. To be asked inside the tenant, as the control plane.
 */

/** What subject keys are sealed as. */
export const SUBJECT_KEY = 'subject-key';

const KEY_BYTES = 32;
/** Bytes. */
const LONGEST_SUBJECT = 2_000;

export interface OpenSubject {
  /** In hexadecimal. */
  readonly id: string;
  /** null: the key was destroyed. */
  readonly about: string | null;
  readonly key: KeyObject | null;
}

/** The keys of these; those who have none get one. What no key is known of is missing. */
export async function openSubjects(
  tx: SystemTx,
  tenantId: string,
  ring: FieldCiphers,
  { abouts, ids }: Subjects,
): Promise<OpenSubject[]> {
  if (abouts.some((about) => Buffer.byteLength(about) > LONGEST_SUBJECT)) {
    throw new Problem('record/invalid', `What names whom a record is about has at most ${LONGEST_SUBJECT} bytes.`);
  }
  const found = await read(tx, tenantId, ring, { abouts, ids });
  const known = new Set(found.map(({ about }) => about));
  const missing = abouts.filter((about) => !known.has(about));
  if (missing.length === 0) return found;
  // Sealed under a key that is retired meanwhile, nobody would ever open it.
  await tx.run({ text: 'select bss.assert_keys($1::integer)', values: [String(ring.epoch)] });
  await make(tx, tenantId, ring, missing);
  return [...found, ...(await read(tx, tenantId, ring, { abouts: missing, ids: [] }))];
}

async function read(tx: SystemTx, tenantId: string, ring: FieldCiphers, { abouts, ids }: Subjects): Promise<OpenSubject[]> {
  const rows = await tx.run<{ key_id: string; subject: string | null; sealed: Buffer | null }>({
    text: `select key_id, subject, sealed
from business_store_service.subject_keys
where tenant_id = $1
  and (subject = any($2::text[]) or key_id = any($3::uuid[]))`,
    values: [tenantId, arrayLiteral(abouts), arrayLiteral(ids)],
  });
  return rows.map(({ key_id, subject, sealed }) => ({
    ...{ id: key_id.replaceAll('-', ''), about: subject },
    key: sealed && createSecretKey(Buffer.from(ring.openText(SUBJECT_KEY, key_id, sealed), 'base64')),
  }));
}

/** Of two who make one at once, one wins, and both read it. */
async function make(tx: SystemTx, tenantId: string, ring: FieldCiphers, abouts: readonly string[]): Promise<void> {
  const made = abouts.map((about) => {
    const id = uuidOf(randomBytes(16).toString('hex'));
    return { about, id, sealed: ring.sealText(SUBJECT_KEY, id, randomBytes(KEY_BYTES).toString('base64')) };
  });
  await tx.run({
    text: `insert into business_store_service.subject_keys (tenant_id, key_id, subject, sealed)
select $1, key_id, subject, decode(sealed, 'hex')
from unnest($2::uuid[], $3::text[], $4::text[]) as made (key_id, subject, sealed)
on conflict do nothing`,
    values: [
      tenantId,
      arrayLiteral(made.map(({ id }) => id)),
      arrayLiteral(made.map(({ about }) => about)),
      arrayLiteral(made.map(({ sealed }) => sealed.toString('hex'))),
    ],
  });
}

function uuidOf(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
