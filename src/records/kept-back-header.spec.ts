import { keptBackHeader } from './kept-back-header.js';

const told = (...paths: string[][]) => keptBackHeader(paths)['x-redacted'];

describe('the header of what is kept back', () => {
  it('is not there where nothing is', () => expect(keptBackHeader([])).toEqual({}));

  it('names each member once, with its path', () => {
    expect(told(['salary'], ['customer', 'email'], ['salary'])).toBe('salary,customer.email');
  });

  it('can be taken apart again, whatever names there are', () => {
    const names = ['a.b', 'a,b', '*', 'größe', 'x y', '100%', '日本'];
    const text = told(names, ...names.map((name) => [name])) as string;
    expect(text).toMatch(/^[!-~]+$/);
    expect(text.split(',').map((path) => path.split('.').map(decodeURIComponent))).toEqual([
      names,
      ...names.map((name) => [name]),
    ]);
  });

  it('says that there are more than it holds', () => {
    const text = told(...Array.from({ length: 400 }, (_, index) => [`a property of some length ${index}`])) as string;
    expect([text.length <= 4_002, text.endsWith(',*')]).toEqual([true, true]);
  });
});
