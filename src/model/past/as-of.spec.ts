import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import type { VersionStep } from '../plan/lineage.js';
import { HOME } from '../statements/statements.fixture.js';
import { asOf } from './as-of.js';
import { pastOf } from './past-tables.js';

const ID = '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b';
const document = (properties: JsonObject, words: JsonObject = {}) => ({ type: 'object', history: 'full', properties, ...words });
const step = (version: number, properties: JsonObject, words: JsonObject = {}): VersionStep => ({
  ...{ version, entity: readEntity('Price', document(properties, words)), restored: new Map() },
});

function sourceOf(...steps: VersionStep[]) {
  const { entity, version } = steps.at(-1) as VersionStep;
  const past = pastOf(entity, ID, version);
  if (!past) throw new Error('keeps nothing');
  return asOf(HOME, { ...entity, past }, steps);
}

const CLOSED = { additionalProperties: false };
const text = { type: 'string' };

describe('the past of an entity', () => {
  it('is refused of one that keeps none', () => {
    const { entity, ...rest } = step(1, {});
    expect(() => asOf(HOME, entity, [{ ...rest, entity }])).toThrow('keeps no history');
  });

  it('has no value where one of then has no exact meaning now, and says since when', () => {
    const { sql, unreadable } = sourceOf(
      step(3, { amount: text }),
      step(4, { amount: { type: 'integer' } }),
      step(5, { amount: { type: 'integer' } }),
    );
    expect([...unreadable]).toEqual([['amount', { property: 'amount', version: 4 }]]);
    expect(sql).toContain('null::bigint as "amount"');
  });

  it('reads cells where a later version encrypted what was in plain text then', () => {
    const sealed =
      (field: string, words: JsonObject = {}) =>
      (each: VersionStep): VersionStep => {
        const properties = each.entity.properties.map((property) => {
          return { ...property, encrypted: { of: 'text' as const, searchable: true, field, ...words } };
        });
        return { ...each, entity: { ...each.entity, properties } };
      };
    const SEALED = { ...text, encrypted: { searchable: 'equality' } };
    const { sql, unreadable, sealedLater } = sourceOf(
      step(1, { old: text }, CLOSED),
      sealed('ssn@2')(step(2, { ssn: { ...SEALED, renamedFrom: 'old' } }, CLOSED)),
    );
    expect([unreadable.size, [...sealedLater]]).toEqual([0, ['ssn~sealed']]);
    expect(sql).toContain(`case when version >= 2 then (body ->> 'ssn~sealed')::bytea else (body ->> 'old~sealed')::bytea end`);
    const typed = sourceOf(
      step(1, { ssn: { type: 'integer' } }),
      step(2, { ssn: text }),
      sealed('ssn@3')(step(3, { ssn: SEALED })),
    );
    expect([...typed.unreadable]).toEqual([['ssn~sealed', { property: 'ssn', version: 2 }]]);
    const again = sourceOf(
      sealed('ssn@1')(step(1, { ssn: SEALED })),
      step(2, { ssn: text }),
      sealed('ssn@3')(step(3, { ssn: SEALED })),
    );
    expect([...again.unreadable]).toEqual([['ssn~sealed', { property: 'ssn', version: 2 }]]);
    const back = sourceOf(step(1, { ssn: text }), sealed('ssn@2')(step(2, { ssn: SEALED })), step(3, { ssn: text }));
    expect([...back.unreadable]).toEqual([['ssn', { property: 'ssn', version: 3 }]]);
  });

  it('reads what is alike in all versions without asking for the version', () => {
    const { sql } = sourceOf(step(1, { sku: text }, CLOSED), step(2, { sku: { ...text, maxLength: 4 } }, CLOSED));
    expect(sql).toContain(`(body ->> 'sku')::text as "sku"`);
    expect(sql).not.toContain('case');
  });

  it('follows names, and converts what every value of then can be', () => {
    const { sql, unreadable } = sourceOf(
      step(1, { old: { type: 'integer' } }, CLOSED),
      step(2, { amount: { type: 'integer', renamedFrom: 'old' } }, CLOSED),
      step(3, { amount: { ...text, renamedFrom: 'old' } }, CLOSED),
    );
    expect(unreadable.size).toBe(0);
    expect(sql).toMatch(
      /case when version >= 3 then \(body ->> 'amount'\)::text when version >= 2 then .*\(body ->> 'amount'\)::bigint/,
    );
    expect(sql).toContain(`(body ->> 'old')::bigint`);
    // An explicit null is noted under the name.
    expect(sql).toContain(`_extra - array['old']`);
    expect(sql).toContain(`jsonb_build_object('amount', null)`);
  });

  it('takes over what a record held undeclared before it was declared', () => {
    const { sql } = sourceOf(step(1, {}), step(2, { sku: text }));
    expect(sql).toContain(`(_extra -> 'sku')`);
    expect(sql).toMatch(/- case when .* then array\['sku'\] else array\[\]::text\[\] end/);
  });
});
