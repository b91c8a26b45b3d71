import type { SystemTx } from '../database/control-plane.js';
import { ANSWER_LABEL, answerPlace, FORGOTTEN_ANSWER } from '../http/sealed-answers.js';
import { arrayLiteral } from '../model/query/array-literal.js';
import type { FieldCiphers } from '../model/sealed/field-ciphers.js';

/**
 * Answers that are kept for repeats may hold values of somebody who is forgotten, and nobody can tell which do. All of the tenant's that are
 * sealed are forgotten; their keys stay known, so that a repeat does nothing twice. Inside the tenant, as the control plane.
 */
export async function forgetAnswers(tx: SystemTx, tenantId: string, ring: FieldCiphers): Promise<void> {
  const rows = await tx.run<{ subject: string; key_hash: Buffer }>({
    text: `select subject, key_hash
from business_store_service.idempotency_keys
where tenant_id = $1
  and sealed is not null`,
    values: [tenantId],
  });
  if (rows.length === 0) return;
  const forgotten = rows.map(({ subject, key_hash: hash }) => {
    const place = answerPlace({ subject, keyHash: hash.toString('hex') });
    return { subject, hash: hash.toString('hex'), sealed: ring.sealText(ANSWER_LABEL, place, FORGOTTEN_ANSWER).toString('hex') };
  });
  await tx.run({
    text: `update business_store_service.idempotency_keys as kept
set sealed = decode(forgotten.sealed, 'hex')
from unnest($2::text[], $3::text[], $4::text[]) as forgotten (subject, key_hash, sealed)
where kept.tenant_id = $1
  and kept.subject = forgotten.subject
  and kept.key_hash = decode(forgotten.key_hash, 'hex')`,
    values: [
      tenantId,
      arrayLiteral(forgotten.map(({ subject }) => subject)),
      arrayLiteral(forgotten.map(({ hash }) => hash)),
      arrayLiteral(forgotten.map(({ sealed }) => sealed)),
    ],
  });
}
