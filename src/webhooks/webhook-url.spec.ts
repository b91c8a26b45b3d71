import { readNetworks } from './safe-address.js';
import { urlFault } from './webhook-url.js';

const NONE = readNetworks();

describe('the URL of a webhook', () => {
  it('that names an address which is not public is refused, however it is written', () => {
    const hosts = [
      ...['127.0.0.1', '127.1', '2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '017700000001', '127.0.0.1.', '0'],
      ...['127。0。0。1', '①②⑦.0.0.1', '１２７.0.0.1', '%31%32%37.0.0.1', '169.254.169.254', '0xa9fea9fe', '10.0.0.1'],
      ...['[::1]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[::127.0.0.1]', '[0:0:0:0:0:0:0:1]', '[64:ff9b::7f00:1]'],
      ...['[2002:7f00:1::]', '[fd00:ec2::254]', '[fe80::1]'],
    ];
    const refused = (host: string) => urlFault(`https://${host}/x`, NONE);
    expect(hosts.filter((host) => refused(host) !== 'names an address that is not public')).toEqual([]);
  });

  it('that is no https URL of the web, without credentials and fragment, is refused', () => {
    const faults = [
      ['', 'is no URL'],
      ['example.com/x', 'is no URL'],
      ['https://', 'is no URL'],
      ['https://[fe80::1%25eth0]/', 'is no URL'],
      ['https://1.2.3.256/', 'is no URL'],
      ['https://exa mple.com/', 'is no URL'],
      ['http://example.com/', 'must begin with https://'],
      ['ftp://example.com/', 'must begin with https://'],
      ['file:///etc/passwd', 'must begin with https://'],
      ['gopher://example.com/', 'must begin with https://'],
      ['data:text/plain,x', 'must begin with https://'],
      ['https://me@example.com/', 'must hold no user name and no password'],
      ['https://example.com@127.0.0.1/', 'must hold no user name and no password'],
      ['https://:x@example.com/', 'must hold no user name and no password'],
      ['https://example.com/#x', 'must have no fragment'],
      ['https://example.com:22/', 'must have one of the ports 80, 443, 8080, 8443'],
      ['https://8.8.8.8:5432/', 'must have one of the ports 80, 443, 8080, 8443'],
      [`https://example.com/${'x'.repeat(2_048)}`, 'is longer than 2048 characters'],
    ] as const;
    expect(faults.map(([url]) => [url, urlFault(url, NONE)])).toEqual(faults.map((fault) => [...fault]));
  });

  it('of the web is taken', () => {
    const urls = [
      'https://example.com',
      'https://example.com:8443/a?b=c',
      'https://bücher.example/',
      'https://8.8.8.8/',
      'https://localhost./',
    ];
    expect(urls.map((url) => urlFault(url, NONE))).toEqual(urls.map(() => null));
  });

  it('may be http, at any port, where a network is allowed; public addresses stay as they are', () => {
    const networks = readNetworks('127.0.0.0/8');
    expect(urlFault('http://127.0.0.1:3999/x', networks)).toBeNull();
    expect(urlFault('http://receiver:3999/x', networks)).toBeNull();
    expect(urlFault('http://10.0.0.1:3999/x', networks)).toBe('names an address that is not public');
    expect(urlFault('http://8.8.8.8/x', networks)).toBe('must begin with https://');
    expect(urlFault('https://8.8.8.8:22/x', networks)).toBe('must have one of the ports 80, 443, 8080, 8443');
  });
});
