import type { Property, Shadow } from '../entity.js';
import type { FieldCiphers } from '../sealed/field-ciphers.js';
import { type Fields, fieldsAfter, withFields } from '../sealed/fields.js';
import { withCiphers } from '../sealed/with-ciphers.js';
import { type TableSize, UNFINISHED } from './operation.js';
import { revisionColumn } from './operations/change-encryption.js';
import { isPreparedBeforehand } from './prepared-type.js';
import { changesEncryption, droppedProperties, formerProperty, hiddenColumn, type Transition } from './transition.js';

/** The second columns that every write keeps in step while the change is prepared. @param t with the names of fields */
export function shadowsOf(t: Transition, size: TableSize): Shadow[] {
  return t.after.properties.flatMap((property) => {
    const was = formerProperty(t, property);
    if (!was || !isPreparedBeforehand(was, property, size)) return [];
    const { type, precision, scale } = property;
    return [
      {
        ...{ property: was.name, column: `${property.column}${UNFINISHED}`, type },
        ...(precision === undefined ? {} : { precision }),
        ...(scale === undefined ? {} : { scale }),
        ...(changesEncryption(was, property) ? sealedShadow(t, property) : {}),
      },
    ];
  });
}

function sealedShadow(t: Transition, property: Property): Partial<Shadow> {
  const { encrypted } = property;
  const revision = revisionColumn(t, property);
  if (!encrypted) return { revision };
  const { of, searchable, field } = encrypted;
  if (field === undefined) throw new Error('what is to be encrypted has no name for ever');
  const about = t.after.properties.find(({ name }) => name === t.after.subject);
  const subject = about && formerProperty(t, about)?.name;
  return { revision, encrypted: { of, searchable, field }, ...(subject === undefined ? {} : { subject }) };
}

/** With what encrypted properties are called for ever, before and after. @param fields of the version before */
export function withFieldNames(t: Transition, fields: Fields): Transition {
  const hidden = new Map(droppedProperties(t).map((property) => [property.name, hiddenColumn(t, property)]));
  const after = withFields(t.after, fieldsAfter(fields, { ...t, hidden }));
  return { ...t, before: withFields(t.before, fields), after };
}

/** With the keys to both versions' values. */
export function underKeys(t: Transition, entityId: string, ciphers: FieldCiphers): Transition {
  return { ...t, before: withCiphers(t.before, entityId, ciphers), after: withCiphers(t.after, entityId, ciphers) };
}
