/**
 * The `$ref`s of an entity document: where each leads, and whether following them ends. Nothing is ever fetched; only `#`
 * and `#/$defs/…` mean something. Used by `readEntity` only.
 */

import { isJsonObject, type JsonObject, pointer } from '../../platform/json-value.js';
import type { Fault } from '../../platform/problem.js';
import { shown } from '../names.js';
import { LIMITS } from './limits.js';
import { allSchemas, appliesInPlace, childSchemas, type PlacedSchema } from './schema-places.js';

export interface References {
  readonly faults: readonly Fault[];
  /** The schema a `$ref` of this document leads to; undefined when it leads nowhere, which is among the faults. */
  target(ref: string): PlacedSchema | undefined;
}

/** Call it on documents within the limits that the dialect accepts. */
export function readReferences(document: JsonObject): References {
  const schemas = allSchemas(document);
  const places = new Map(schemas.map((placed) => [placed.at, placed]));
  const target = (ref: string) => {
    const at = placeOfRef(ref);
    return at === undefined ? undefined : places.get(at);
  };
  const broken = schemas.flatMap((placed) => targetFaults(placed, target));
  if (broken.length > 0) return { faults: broken, target };
  return { faults: [...applicationFaults(schemas, target), ...depthFaults(schemas[0]!, target)], target };
}

type Target = References['target'];

function refOf({ schema }: PlacedSchema): string | undefined {
  return isJsonObject(schema) && typeof schema.$ref === 'string' ? schema.$ref : undefined;
}

/** RFC 6901 §6: the fragment is a percent-encoded pointer. */
function placeOfRef(ref: string): string | undefined {
  if (ref === '#') return '';
  if (!ref.startsWith('#/$defs/')) return undefined;
  try {
    return decodeURIComponent(ref.slice(1));
  } catch {
    return undefined;
  }
}

function targetFaults(placed: PlacedSchema, target: Target): Fault[] {
  const ref = refOf(placed);
  if (ref === undefined) return [];
  if (placeOfRef(ref) === undefined) {
    const message = `${shown(ref)} is not a place in this document: only "#" and "#/$defs/..." are, and nothing is ever fetched`;
    return [fault(placed.at, message)];
  }
  return target(ref) ? [] : [fault(placed.at, `there is no schema at ${shown(ref)} in this document`)];
}

interface Frame {
  readonly placed: PlacedSchema;
  readonly next: readonly PlacedSchema[];
  index: number;
  total: number;
}

/**
 * How many schemas apply to one value: each schema counts one and adds what applies in place, `$ref` included. Chains of
 * definitions that use the next one twice double it each time; a circle never ends.
 */
function applicationFaults(schemas: readonly PlacedSchema[], target: Target): Fault[] {
  const totals = new Map<string, number>();
  const faults: Fault[] = [];
  const frameOf = (placed: PlacedSchema): Frame => ({ placed, next: inPlace(placed, target), index: 0, total: 1 });
  for (const start of schemas) {
    if (totals.has(start.at)) continue;
    const frames = [frameOf(start)];
    const open = new Set([start.at]);
    for (let top = frames.at(-1); top; top = frames.at(-1)) {
      const child = top.next[top.index];
      if (!child) {
        frames.pop();
        open.delete(top.placed.at);
        totals.set(top.placed.at, top.total);
        if (isFirstTooMany(top, totals)) faults.push(tooMany(top.placed.at));
      } else if (totals.has(child.at)) {
        top.total += Math.min(totals.get(child.at)!, LIMITS.applications + 1);
        top.index += 1;
      } else if (open.has(child.at)) {
        return [fault(top.placed.at, `the schema at ${shown(`#${child.at}`)} applies to itself without end by way of this $ref`)];
      } else {
        open.add(child.at);
        frames.push(frameOf(child));
      }
    }
  }
  return faults;
}

/** Where the limit is passed, not everywhere that leads there. */
function isFirstTooMany({ next, total }: Frame, totals: ReadonlyMap<string, number>): boolean {
  return total > LIMITS.applications && next.every(({ at }) => totals.get(at)! <= LIMITS.applications);
}

function tooMany(at: string): Fault {
  const message = `more than ${LIMITS.applications} schemas apply to one value here, counting every $ref, anyOf, oneOf and allOf`;
  return { pointer: at, rule: 'limit', message };
}

function inPlace(placed: PlacedSchema, target: Target): PlacedSchema[] {
  const ref = refOf(placed);
  const referred = ref === undefined ? undefined : target(ref);
  const children = childSchemas(placed.schema, placed.at).filter(appliesInPlace);
  return referred ? [referred, ...children] : children;
}

/** Follows `$ref`s in the order in which a compiler meets them, each target once, as ajv does recursively. */
function depthFaults(root: PlacedSchema, target: Target): Fault[] {
  const seen = new Set<string>(['']);
  const stack = [refsWithin(root)];
  while (stack.length > 0) {
    const placed = stack.at(-1)!.shift();
    if (!placed) {
      stack.pop();
      continue;
    }
    const referred = target(refOf(placed)!);
    if (!referred || seen.has(referred.at)) continue;
    seen.add(referred.at);
    stack.push(refsWithin(referred));
    if (stack.length > LIMITS.referenceDepth) {
      return [
        {
          pointer: pointer(placed.at, '$ref'),
          rule: 'limit',
          message: `more than ${LIMITS.referenceDepth} $refs lead into one another here`,
        },
      ];
    }
  }
  return [];
}

function refsWithin(start: PlacedSchema): PlacedSchema[] {
  const found = [start];
  for (let index = 0; index < found.length; index++) {
    const { schema, at } = found[index]!;
    found.push(...childSchemas(schema, at).filter(({ keyword }) => keyword !== '$defs'));
  }
  return found.filter((placed) => refOf(placed) !== undefined);
}

function fault(at: string, message: string): Fault {
  return { pointer: pointer(at, '$ref'), rule: '$ref', message };
}
