import type { Entity } from '../entity.js';
import type { Statement } from '../sql.js';
import { isFilledByService } from './shadow-texts.js';

/** Texts as of `splitRecord`. */
type Columns = readonly (string | null)[];

/**
 * What a statement that writes records of the entity says of keys: under which epoch their values were encrypted, and nothing where none
 * is. Made once per entity.
 */
export function writtenKeys({ properties, shadows = [] }: Entity): (written: readonly Columns[]) => Pick<Statement, 'keys'> {
  const given = [...properties, ...shadows.filter(isFilledByService)];
  const places = given.flatMap(({ encrypted }, index) => (encrypted ? [{ index, encrypted }] : []));
  if (places.length === 0) return () => NONE;
  return (written) => {
    const used = places.find(({ index }) => written.some((columns) => columns[index] !== null));
    const epoch = used?.encrypted.cipher?.epoch;
    return epoch === undefined ? NONE : { keys: epoch };
  };
}

const NONE = {};
