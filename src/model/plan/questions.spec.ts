import { change, closed } from './plan.fixture.js';

describe('a question', () => {
  it('is asked when a property goes while others of its type come', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'integer' } }),
      closed({ c: { type: 'string' }, d: { type: 'string', maxLength: 8 }, e: { type: 'boolean' } }),
    );
    expect(item.plan().questions).toEqual([
      {
        property: 'a',
        candidates: ['c', 'd'],
        message:
          '"a" goes and "c", "d" of the same type comes. Was it renamed? Then write "renamedFrom": "a" in "c". If not, allow "drop:a"',
        answer: 'drop:a',
      },
    ]);
  });

  it('is not asked when the documents say that it was renamed, nor when nothing of its type comes', () => {
    const item = change(
      closed({ a: { type: 'string' }, b: { type: 'integer' } }),
      closed({ c: { type: 'string', renamedFrom: 'a' }, e: { type: 'boolean' } }),
    );
    expect(item.plan().questions).toEqual([]);
  });

  it('is not asked about a property that comes back', () => {
    const item = change(closed({ a: { type: 'string' } }), closed({ b: { type: 'string' } }), { kept: new Map([['b', '~1~b']]) });
    expect(item.plan().questions).toEqual([]);
  });

  it('is asked about the type of the column, digits included', () => {
    const item = change(
      closed({ a: { type: 'string', format: 'decimal', precision: 9, scale: 2 } }),
      closed({ b: { type: 'string', format: 'decimal', precision: 9, scale: 3 } }),
    );
    expect(item.plan().questions).toEqual([]);
  });
});
