import { textTable } from './text-table.js';

describe('a text table', () => {
  it('lets no cell break its line or speak to the terminal', () => {
    expect(textTable(['a', 'b'], [['1\n2', '\u001b[31mred\u202e']])).toBe('a    b\n1 2  [31mred\n');
  });

  it('has its columns one under another, and nothing behind them', () => {
    expect(
      textTable(
        ['tenant', 'status', 'error'],
        [
          ['acme', 'done', ''],
          ['x', 'failed', 'no'],
        ],
      ),
    ).toBe('tenant  status  error\nacme    done\nx       failed  no\n');
  });
});
