/** What the documents for clients say of entities with encrypted properties. */
import type { Entity, Property } from '../model/entity.js';
import { isJsonObject, type JsonObject } from '../platform/json-value.js';
import { mappedMembers } from './mapped-members.js';
import { problemResponses } from './problem-responses.js';

export function holdsEncrypted({ properties }: Entity): boolean {
  return properties.some(({ encrypted }) => encrypted);
}

/** Told beside what its document says of a property. */
export function encryptionText({ encrypted }: Property): string | undefined {
  if (!encrypted) return undefined;
  if (encrypted.searchable) return 'Stored encrypted: filtered by equal values only, and never sorted by.';
  return 'Stored encrypted: filtered only by whether there is a value, and never sorted by.';
}

/** The same paths, each of whose operations may find that the keys are gone, or that there is nowhere to have any made. */
export function withKeyProblems(paths: JsonObject): JsonObject {
  return mappedMembers(paths, (path) =>
    mappedMembers(path, (operation) => {
      const { responses } = operation;
      return isJsonObject(responses) ? { ...operation, responses: { ...responses, ...problemResponses([410, 501]) } } : operation;
    }),
  );
}
