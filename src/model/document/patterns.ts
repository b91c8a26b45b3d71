/** The regular expressions of an entity document, each compiled once to see that it can be run. Used by `readEntity` only. */

import { isJsonObject, type JsonObject, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { compilePattern } from '../validation/pattern.js';
import { LIMITS } from './limits.js';
import { allSchemas, type PlacedSchema } from './schema-places.js';

interface PlacedPattern {
  readonly at: string;
  readonly source: string;
}

/** Faults of `pattern` and of the names in `patternProperties`: what RE2 cannot run, and more than the limits allow. */
export function patternFaults(document: JsonObject): Fault[] {
  const sources = new Map<string, PlacedPattern[]>();
  for (const pattern of allSchemas(document).flatMap(patternsOf)) {
    sources.set(pattern.source, [...(sources.get(pattern.source) ?? []), pattern]);
  }
  const faults: Fault[] = [];
  let steps = 0;
  let patterns = 0;
  for (const [source, places] of sources) {
    patterns += 1;
    if (patterns > LIMITS.patterns) {
      return [...faults, limit(places, `the document holds more than ${LIMITS.patterns} different regular expressions`)];
    }
    try {
      steps += compilePattern(source).steps;
    } catch (error) {
      const message = `the pattern ${(error as Error).message}`;
      faults.push(...places.map(({ at }) => ({ pointer: at, rule: 'pattern', message })));
    }
    if (steps > LIMITS.patternSteps) {
      return [
        ...faults,
        limit(places, `the regular expressions of the document compile to more than ${LIMITS.patternSteps} steps`),
      ];
    }
  }
  return faults;
}

function patternsOf({ schema, at }: PlacedSchema): PlacedPattern[] {
  if (!isJsonObject(schema)) return [];
  const { pattern, patternProperties } = schema;
  const own = typeof pattern === 'string' ? [{ at: pointer(at, 'pattern'), source: pattern }] : [];
  const keys = isJsonObject(patternProperties) ? Object.keys(patternProperties) : [];
  const here = pointer(at, 'patternProperties');
  return [...own, ...keys.map((source) => ({ at: pointer(here, source), source }))];
}

function limit(places: readonly PlacedPattern[], message: string): Fault {
  return { pointer: places[0]!.at, rule: 'limit', message };
}
