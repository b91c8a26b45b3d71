import type { JsonObject } from '../../platform/json-value.js';
import { readEntity } from '../document/read-entity.js';
import { inboundFaults, retargeted } from './inbound.js';
import { change, closed } from './plan.fixture.js';

const SKU = { type: 'string', unique: true };

function referring(relation: JsonObject): JsonObject {
  return closed({ item: { type: 'string', relation: { entity: 'item', field: 'sku', ...relation } }, name: { type: 'string' } });
}

const ORDER = readEntity('order', referring({}));

function faultsOf(after: JsonObject, before: JsonObject = closed({ sku: SKU })): string[] {
  return inboundFaults(change(before, after).t, [ORDER]).map(({ message }) => message);
}

describe('a field that another entity refers to', () => {
  it.each<[string, JsonObject]>([
    ['is removed', closed({})],
    ['is no longer unique on its own', closed({ sku: { type: 'string' } })],
    ['changes its type', closed({ sku: { type: 'integer', unique: true } })],
    ['changes its type', closed({ sku: { ...SKU, encrypted: { searchable: 'equality' } } })],
  ])('is refused when it %s', (what, after) => {
    expect(faultsOf(after)).toEqual([`"item" of "order" refers to "sku", which ${what}: change or remove that relation first`]);
  });

  it('is refused when it gives up its own key for a larger one', () => {
    const after = closed({ sku: { type: 'string' }, site: { type: 'string' } }, { uniqueKeys: [['sku', 'site']] });
    expect(faultsOf(after)).toEqual([
      '"item" of "order" refers to "sku", which is no longer unique on its own: change or remove that relation first',
    ]);
  });

  it('is told by the place it has in the new document', () => {
    const { t } = change(closed({ sku: SKU }), closed({ code: { type: 'string', renamedFrom: 'sku' } }));
    expect(inboundFaults(t, [ORDER]).map(({ pointer, rule }) => [pointer, rule])).toEqual([['/properties/code', 'relation']]);
  });

  it('may be renamed, and have other rules', () => {
    expect(faultsOf(closed({ code: { ...SKU, renamedFrom: 'sku', maxLength: 8 } }))).toEqual([]);
  });

  it('does not matter to relations to another entity, or to the id', () => {
    const others = [readEntity('order', referring({ entity: 'site' })), readEntity('note', noteTo('id'))];
    expect(inboundFaults(change(closed({ sku: SKU }), closed({})).t, others)).toEqual([]);
  });
});

function noteTo(field: string): JsonObject {
  return closed({ item: { type: 'string', format: 'uuid', relation: { entity: 'item', field } } });
}

describe('the document of another entity', () => {
  it('stays when nothing it refers to has another name', () => {
    const { t } = change(closed({ sku: SKU, name: { type: 'string' } }), closed({ sku: SKU }));
    expect(retargeted(t, referring({}))).toBeUndefined();
    expect(retargeted(t, closed({}))).toBeUndefined();
  });

  it('names the entity anew, and nothing else', () => {
    const { t } = change(closed({ sku: SKU }), closed({ sku: SKU }, { renamedFrom: 'item' }), { nameAfter: 'product' });
    expect(retargeted(t, referring({ onDelete: 'cascade' }))).toEqual(referring({ entity: 'product', onDelete: 'cascade' }));
  });

  it('names the field anew, in the spelling it uses', () => {
    const { t } = change(closed({ sku: SKU }), closed({ code: { ...SKU, renamedFrom: 'sku' } }));
    const spelled = closed({ item: { type: 'string', 'x-relation': { entity: 'item', field: 'sku' } } });
    expect(retargeted(t, spelled)).toEqual(closed({ item: { type: 'string', 'x-relation': { entity: 'item', field: 'code' } } }));
  });

  it('gets no field it did not name', () => {
    const document = closed({ item: { type: 'string', format: 'uuid', relation: { entity: 'item' } } });
    const { t } = change(closed({ sku: SKU }), closed({ code: { ...SKU, renamedFrom: 'sku' } }));
    expect(retargeted(t, document)).toBeUndefined();
  });
});
