import { Inject, Injectable } from '@nestjs/common';
import { EntityViews } from '../entities/entity-views.js';
import type { Answer } from '../http/answer.js';
import { etagOf, readIfMatch } from '../http/precondition.js';
import type { ColumnType, Entity, Property } from '../model/entity.js';
import type { Condition } from '../model/query/ast.js';
import { type ConflictKey, conflictKeyOf } from '../model/statements/conflict-key.js';
import { columnText } from '../model/values/values.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../platform/json-value.js';
import { Problem } from '../platform/problem.js';
import { SETTINGS, type Settings } from '../platform/settings.js';
import { incomingBodies } from './incoming-bodies.js';
import { assertMayAlso } from './key-scopes.js';
import { mergeAll } from './merge-records.js';
import { type RecordCall, single } from './record-call.js';
import { recordSql } from './record-sql.js';
import { readWrite } from './write-request.js';
import { WrittenAnswer } from './written-answer.js';
import { rangeHeader } from './written-headers.js';

/**
 * PUT of one record by a key: `PUT …/product?sku=eq.a-1`. There is one with these values afterwards, whether there was before or not.
 * What a body leaves out goes, as with every PUT of the service; below `/rest/v1` it stays, as in PostgREST.
 */
@Injectable()
export class KeyedPuts {
  constructor(
    private readonly views: EntityViews,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {}

  async put(call: RecordCall): Promise<Answer> {
    const { tx, tenant, access, entity: name, surface, headers } = call;
    const { defined, entities } = await this.views.find(tenant, access, name);
    assertMayAlso(call, 'records.create');
    const { entity } = defined;
    const asking = {
      applicable: ['missing', 'return', 'count'],
      parameters: ['columns'],
      maxRows: this.settings.MAX_ROWS,
      isKeyed: true,
    } as const;
    const request = readWrite(call, defined, entities, asking);
    const { key, values } = keyOf(entity, request.query.where);
    const body = theOne(call.body);
    assertSame(entity, values, body);
    const answer = new WrittenAnswer(defined, request, surface, surface === 'api');
    const reading = { surface, columns: request.columns, fillsDefaults: request.preferences.missing === 'default' };
    const { rows, inserted } = await mergeAll({
      ...{ tx, defined, key, isArray: false },
      bodies: incomingBodies(entity, [body], reading),
      onto: surface === 'api' ? 'replace' : 'merge',
      precondition: readIfMatch(single(headers['if-match'])),
      isLast: !answer.isRead,
    });
    const isOne = surface === 'api';
    const etag = etagOf(rows[0]?.[recordSql(defined).revisionAt] as string, defined.version);
    const texts = await answer.textsOf(tx, rows, isOne);
    const status = inserted > 0 ? 201 : answer.hasBody ? 200 : 204;
    return answer.of(status, texts, { ...rangeHeader(surface, request, rows.length), etag }, isOne);
  }
}

/** The unique key whose members the filters name, all of them and nothing else. */
function keyOf(entity: Entity, where: readonly Condition[]): { key: ConflictKey; values: ReadonlyMap<string, string> } {
  const values = new Map<string, string>();
  for (const condition of where) {
    const { kind } = condition;
    if (kind !== 'compare' || condition.not || condition.operator !== 'eq') throw noKey();
    const asked = condition.value.kind === 'tag' ? condition.value.of : condition.value;
    if (asked.kind !== 'field') throw noKey();
    const { name } = asked.field;
    if (values.has(name)) throw noKey();
    values.set(name, condition.operand);
  }
  if (values.size === 0) throw noKey();
  return { key: conflictKeyOf(entity, [...values.keys()], [...values.keys()][0] as string), values };
}

function noKey(): Problem {
  return new Problem(
    'request/invalid-query',
    'PUT finds its record by the id or by a unique key, each member of it with eq and nothing else, as in ?sku=eq.a-1.',
  );
}

function theOne(body: JsonValue): JsonObject {
  const one = Array.isArray(body) && body.length === 1 ? (body[0] as JsonValue) : body;
  if (isJsonObject(one)) return one;
  const fault = { pointer: '', rule: 'type', message: 'must be an object' };
  throw new Problem('record/invalid', 'PUT stores one record. Nothing was stored.', { errors: [fault] });
}

/** @throws Problem record/invalid where the body is about another record than the path. */
function assertSame(entity: Entity, values: ReadonlyMap<string, string>, body: JsonObject): void {
  const errors = [...values].flatMap(([name, operand]) => {
    const property = entity.properties.find((candidate) => candidate.name === name) ?? { type: 'uuid' as const };
    const value = Object.hasOwn(body, name) ? body[name] : undefined;
    const isSame = value !== undefined && value !== null && isSameValue(property, value, operand);
    return isSame ? [] : [{ pointer: `/${name}`, rule: 'key', message: 'must be the value that the query string names' }];
  });
  if (errors.length > 0)
    throw new Problem('record/invalid', 'The body is about another record than the query string.', { errors });
}

/** @param operand of what is encrypted, the tag of the value. */
function isSameValue(
  property: Property | { readonly type: ColumnType; readonly encrypted?: undefined },
  value: JsonValue,
  operand: string,
): boolean {
  const { type, encrypted } = property;
  if (!encrypted) return isSameText(type, textOf(property, value), operand);
  // What is not of the type has no tag, or that of no value there is.
  return encrypted.cipher !== undefined && typeof value !== 'object' && encrypted.cipher.tag(value) === operand;
}

/** A value that is not even of the type is the same as none. */
function textOf(property: Parameters<typeof columnText>[0], value: JsonValue): string {
  try {
    return columnText(property, value);
  } catch {
    return '';
  }
}

function isSameText(type: string, a: string, b: string): boolean {
  return type === 'uuid' ? a.toLowerCase() === b.toLowerCase() : a === b;
}
