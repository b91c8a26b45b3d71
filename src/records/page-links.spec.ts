import { pageLinks } from './page-links.js';

const links = (url: string, cursor: string | null = 'C') => pageLinks(url, cursor, false)?.link;

describe('pageLinks', () => {
  it('links nothing whose address would be too long, and says so', () => {
    const long = `/x?a=${'a'.repeat(3_100)}`;
    expect(pageLinks(long, 'C', false)).toBeNull();
    expect(pageLinks(long, 'C', true)).toEqual({ link: `<${long}&after=C>; rel="next"` });
    expect(pageLinks(long, null, true)).toEqual({});
    expect(pageLinks('/x', 'C'.repeat(13_000), true)).toBeNull();
  });

  it('lets no character out of the brackets', () => {
    expect(links('/x?a=">; rel="next"\\^`{|}<\u00e4#', null)).toBe(
      '</x?a=%22%3E;%20rel=%22next%22%5C%5E%60%7B%7C%7D%3C%E4%23>; rel="first"',
    );
  });

  it('keeps the query byte for byte, but for where the page begins', () => {
    expect(links('/x')).toBe('</x?after=C>; rel="next", </x>; rel="first"');
    expect(links('/x?b=%2c+%C3%A4&b=,&&after=old&offset=4&%61fter=x&order=a.desc&or=(a.eq.1,b.eq.%22?%22)')).toBe(
      '</x?b=%2c+%C3%A4&b=,&order=a.desc&or=(a.eq.1,b.eq.%22?%22)&after=C>; rel="next", ' +
        '</x?b=%2c+%C3%A4&b=,&order=a.desc&or=(a.eq.1,b.eq.%22?%22)>; rel="first"',
    );
    expect(links('/x?orders.offset=4&and=(after.gt.1)', null)).toBe('</x?orders.offset=4&and=(after.gt.1)>; rel="first"');
  });
});
