import { change, closed, open } from './plan.fixture.js';
import { swapped } from './swapped.js';

const T = { type: 'string' };
const MAYBE = { type: ['string', 'null'] };

describe('the way back', () => {
  it('turns the renames round, and shows what was hidden', () => {
    const { t } = change(closed({ a: T, b: T }), closed({ c: { ...T, renamedFrom: 'a' } }));
    const back = swapped(t);
    expect([...back.renames]).toEqual([['a', 'c']]);
    expect([...back.kept]).toEqual([['b', '~2~b']]);
    expect([back.before, back.after, back.version]).toEqual([t.after, t.before, 3]);
  });

  it('knows which constraints keep a member out of the undeclared ones by then', () => {
    const guardsAfter = (...[before, after, options]: Parameters<typeof change>) => [
      ...swapped(change(before, after, options).t).guards,
    ];
    expect(guardsAfter(open({}), open({ a: T }))).toEqual(['_extra.item.a.check']);
    expect(guardsAfter(open({ a: T }), open({ b: { ...T, renamedFrom: 'a' } }))).toEqual(['_extra.item.b.check']);
    expect(guardsAfter(closed({ a: MAYBE }), closed({ a: T }))).toEqual(['_extra.item.a.check']);
    const guards = new Set(['_extra.item.a.check', '_extra.item.gone.check']);
    expect(guardsAfter(closed({ a: T, gone: T }), closed({ a: T }), { guards })).toEqual(['_extra.item.a.check']);
    expect(guardsAfter(closed({ a: T }), closed({ a: MAYBE }), { guards })).toEqual([]);
    expect(guardsAfter(open({ a: T }), open({ a: T, b: T }), { nameAfter: 'thing', guards })).toEqual([
      '_extra.thing.a.check',
      '_extra.thing.b.check',
    ]);
  });

  it('drops the guard of a member that has been declared', () => {
    const back = change(open({}), open({ a: T }))
      .plan()
      .inverse.steps.map(({ sql }) => sql);
    expect(back).toContain('alter table "t_1"."item" drop constraint "_extra.item.a.check"');
  });
});
