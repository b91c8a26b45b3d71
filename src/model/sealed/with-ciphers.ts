import type { Entity, Property } from '../entity.js';
import type { FieldCiphers } from './field-ciphers.js';

/** An entity whose values can be encrypted and decrypted. The very same where none of its properties is encrypted. */
export function withCiphers(entity: Entity, entityId: string, ciphers: FieldCiphers): Entity {
  if (!isSealed(entity)) return entity;
  const properties = entity.properties.map((property) => {
    const { encrypted } = property;
    return encrypted ? { ...property, encrypted: { ...encrypted, cipher: ciphers.cipherOf(entityId, property) } } : property;
  });
  const shadows = entity.shadows?.map((shadow) => {
    const { encrypted } = shadow;
    return encrypted ? { ...shadow, encrypted: { ...encrypted, cipher: ciphers.cipherOf(entityId, shadow) } } : shadow;
  });
  return { ...entity, properties, ...(shadows ? { shadows } : {}) };
}

/** Whether any of its properties is encrypted, or about to be. */
export function isSealed({ properties, shadows = [] }: Entity): boolean {
  return [...properties, ...shadows].some(({ encrypted }) => encrypted !== undefined);
}

/** A property as its values are, not as its column is. */
export function inPlain(property: Property): Property {
  const { encrypted } = property;
  return encrypted ? { ...property, type: encrypted.of } : property;
}
