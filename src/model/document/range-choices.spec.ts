import type { JsonObject } from '../../platform/json-value.js';
import type { ColumnType } from '../entity.js';
import { rangeChoiceFaults } from './range-choices.js';

const faults = (type: ColumnType, ...schemas: JsonObject[]) =>
  rangeChoiceFaults(type, schemas, '/properties/p').map(({ pointer, rule, message }) => `${pointer} [${rule}] ${message}`);

describe('rangeChoiceFaults', () => {
  it('finds a choice that comes back in another spelling', () => {
    expect(faults('int8range', { enum: ['[1,5)', null, '[1,5]'] })).toEqual([
      '/properties/p/enum/2 [enum] "[1,5]" would come back as "[1,6)": write it so',
    ]);
    expect(faults('daterange', {}, { const: '[2024-01-01,2024-01-01)' })).toEqual([
      '/properties/p [const] "[2024-01-01,2024-01-01)" would come back as "empty": write it so',
    ]);
    expect(faults('tstzrange', { const: '[2024-01-01T00:00:00+01:00,)' })).toEqual([
      expect.stringContaining('/properties/p/const [const] '),
    ]);
  });

  it('leaves alone what comes back the same, what is no range, and other types', () => {
    expect(faults('int8range', { enum: ['[1,5)', '(,)', 'empty', 'x', '[5,1)', 7, null] })).toEqual([]);
    expect(faults('text', { enum: ['[1,5]'] })).toEqual([]);
    expect(faults('int8range', {})).toEqual([]);
  });
});
