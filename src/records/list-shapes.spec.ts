import { DefinedEntity } from '../entities/defined-entity.js';
import { ListShapes } from './list-shapes.js';
import type { RecordCall } from './record-call.js';

const HOME = { tenantId: '0199-a', schema: 't_a', role: 'tn_a', ownerRole: 'own_a' };
const TEXT = JSON.stringify({ type: 'object', properties: { name: { type: 'string' }, size: { type: 'integer' } } });

function entities() {
  const entry = { id: 'e', name: 'item', version: 1, text: TEXT, transition: null, pack: null, fields: {} };
  const defined = new DefinedEntity(HOME, entry);
  return { defined, entities: new Map([['item', defined]]) };
}

function call(
  query: string,
  { tenant = 'a', surface = 'api', range }: { tenant?: string; surface?: 'api' | 'rest'; range?: string } = {},
) {
  return {
    ...{ url: `/records/item?${query}`, entity: 'item', surface, tenant: { id: tenant, home: HOME } },
    headers: range === undefined ? {} : { range },
    query: () => new URLSearchParams(query),
  } as unknown as RecordCall;
}

describe('ListShapes', () => {
  const NOW = entities();
  const shapes = new ListShapes(100);
  const asked = (query: string, how: Parameters<typeof call>[1] = {}, of = NOW) => shapes.asked(call(query, how), of, null);

  it('refuses what the parser refuses, every time, and two cursors as one given twice', () => {
    for (const query of [
      'colour=eq.1',
      'limit=-1',
      'after=abc&after=abc',
      'after=abc&after=',
      'after=abc&offset=3',
      'after=abc&%61fter=d',
    ]) {
      for (let time = 0; time < 2; time++) expect(() => asked(query)).toThrow();
    }
  });

  it('never takes the list of another tenant, surface, range, count or state of the entities for the same', () => {
    const { shape } = asked('size=gt.1');
    expect(asked('size=gt.1', { tenant: 'b' }).shape).not.toBe(shape);
    expect(asked('size=gt.1', { surface: 'rest' }).shape).not.toBe(shape);
    expect(asked('size=gt.1', { range: '0-9' }).shape.query.limit).toBe(10);
    expect(shapes.asked(call('size=gt.1'), NOW, 'exact').shape.query.count).toBe('exact');
    expect(asked('size=gt.2').shape.query.where).not.toEqual(shape.query.where);
    expect(asked('size=gt.1').shape).toBe(shape);
    const later = entities();
    expect(asked('size=gt.1', {}, later).shape).not.toBe(shape);
    expect(asked('size=gt.1', {}, later).shape.query.entity).toBe(later.defined.entity);
  });

  it('knows a list again on each of its pages, whose cursor it hands over', () => {
    const first = asked('order=name&after=');
    const second = asked('order=name&after=A-b_9');
    expect([first.after, second.after]).toEqual(['', 'A-b_9']);
    expect(second.shape).toBe(first.shape);
    expect(asked('order=name').after).toBeNull();
  });

  it('leaves a cursor in another spelling, and a filter that is called after, to the parser', () => {
    expect(asked('after=A%2Db').after).toBe('A-b');
    expect(() => asked('after=eq.1')).not.toThrow();
    expect(asked('name=eq.after=x').after).toBeNull();
  });

  it('forgets what was asked for least lately, and remembers no long query', () => {
    const few = new ListShapes(100);
    const of = (query: string) => few.asked(call(query), NOW, null).shape;
    const [first, second] = [of('size=eq.1'), of('size=eq.2')];
    for (let n = 3; n <= 500; n++) of(`size=eq.${n}`);
    expect(of('size=eq.1')).toBe(first);
    of('size=eq.501');
    expect(of('size=eq.1')).toBe(first);
    expect(of('size=eq.2')).not.toBe(second);
    const long = `name=eq.${'x'.repeat(2_000)}`;
    expect(of(long)).not.toBe(of(long));
  });
});
