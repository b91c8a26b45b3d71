import { change, changed, closed, open } from './plan.fixture.js';
import { compileRecordReader, recordColumns } from './record-reader.js';
import { swapped } from './swapped.js';

const SYSTEM = ['0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b', '2024-05-31 10:00:00+00', '2024-05-31 10:00:00+00', 'ada', 'ada', '1'];

describe('the reader of records that are validated', () => {
  it('reads what they hold, and none of the members that the store adds', () => {
    const { t } = change(open({ a: { type: 'integer' } }), open({ a: { type: 'string', pattern: '^1' } }));
    expect(recordColumns(t).slice(SYSTEM.length)).toEqual(['a', '_extra']);
    expect(compileRecordReader(t).read([...SYSTEM, '12', '{"b": null}'])).toEqual({ a: 12, b: null });
  });

  it('reads what is about to come back behind everything else', () => {
    const { t } = changed(swapped(change(closed({ a: { type: ['string', 'null'] }, 'b!': { type: 'boolean' } }), closed({})).t));
    expect(recordColumns(t).slice(SYSTEM.length)).toEqual(['~2~a', '~2~b']);
    expect(compileRecordReader(t).read([...SYSTEM, null, 't'])).toEqual({ b: true });
  });

  it('reads the null of what comes back as required', () => {
    const { t } = changed(swapped(change(closed({ 'a!': { type: ['string', 'null'] } }), closed({})).t));
    expect(compileRecordReader(t).read([...SYSTEM, null])).toEqual({ a: null });
  });
});
