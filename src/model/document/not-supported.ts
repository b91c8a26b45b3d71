/**
 * The words of the dialect that this version of the server does not implement yet. The meta-schema knows them, but a
 * document that asks for one is refused: it would be stored without the protection it asks for. Implementing a word means
 * deleting its line here.
 */

import { type JsonObject, type JsonValue, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';

const always = () => true;
const unless = (off: JsonValue) => (value: JsonValue) => value !== off;
const equal = (asked: JsonValue) => (value: JsonValue) => value === asked;

/** Where the word stands, `*` for any member, and whether its value asks for anything. */
const NOT_SUPPORTED: readonly (readonly [place: string, asks: (value: JsonValue) => boolean])[] = [
  ['/semanticSearch', always],
  ['/indexes/*/where', always],
  ['/indexes/*/method', equal('trgm')],
  ['/properties/*/searchable', unless(false)],
  ['/properties/*/semantic', unless(false)],
  ['/properties/*/generated', equal('sequence')],
  ['/properties/*/index/method', equal('trgm')],
  ['/properties/*/relation/many', unless(false)],
];

export function notSupportedFaults(document: JsonObject): Fault[] {
  return NOT_SUPPORTED.flatMap(([place, asks]) =>
    valuesAt(document, place)
      .filter(({ value }) => asks(value))
      .map(({ at }) => ({
        pointer: at,
        rule: 'not-supported',
        message: `this version of the server does not implement ${at}: the definition was refused rather than stored without it`,
      })),
  );
}

interface Found {
  readonly at: string;
  readonly value: JsonValue;
}

function valuesAt(document: JsonObject, place: string): Found[] {
  return place
    .slice(1)
    .split('/')
    .reduce<Found[]>((found, step) => found.flatMap((parent) => membersOf(parent, step)), [{ at: '', value: document }]);
}

function membersOf({ at, value }: Found, step: string): Found[] {
  if (value === null || typeof value !== 'object') return [];
  return Object.entries(value)
    .filter(([key]) => step === '*' || key === step)
    .map(([key, member]) => ({ at: pointer(at, key), value: member }));
}
