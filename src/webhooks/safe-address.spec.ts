import { reachOf, readNetworks } from './safe-address.js';

const NONE = readNetworks();

describe('an address', () => {
  it('that is not of the public internet is forbidden, however it is written', () => {
    const forbidden = [
      ...['127.0.0.1', '127.255.255.254', '0.0.0.0', '0.1.2.3', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
      ...['169.254.169.254', '100.64.0.1', '100.100.100.200', '192.0.0.192', '192.0.2.1', '198.18.0.1', '198.51.100.7'],
      ...['203.0.113.9', '192.88.99.1', '224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '168.63.129.16'],
      ...[
        '::',
        '::1',
        '::127.0.0.1',
        '::7f00:1',
        '::ffff:127.0.0.1',
        '::ffff:7f00:1',
        '::ffff:10.0.0.1',
        '::ffff:169.254.169.254',
      ],
      ...['::ffff:0:127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b:1::1', '2002:7f00:1::', '2002:a00:1::1'],
      ...['2001::1', '2001:db8::1', '3fff::1', 'fe80::1', 'fe80::1%lo', '2606:4700::1%eth0', 'fc00::1', 'fd00:ec2::254'],
      ...['fec0::1', 'ff02::1', '100::1', '4000::1', '5f00::1', '8000::1'],
    ];
    expect(forbidden.filter((address) => reachOf(address, NONE) !== 'forbidden')).toEqual([]);
  });

  it('that is none is forbidden', () => {
    const none = [
      undefined,
      '',
      'localhost',
      '127.1',
      '2130706433',
      '0177.0.0.1',
      '0x7f.1',
      '8.8.8.8 ',
      '8.8.8',
      '[::1]',
      '8.8.8.8:80',
    ];
    expect(none.filter((address) => reachOf(address, NONE) !== 'forbidden')).toEqual([]);
  });

  it('of the public internet is reached', () => {
    const open = ['8.8.8.8', '1.1.1.1', '172.32.0.1', '100.128.0.1', '2606:4700:4700::1111', '2a00:1450::5', '::ffff:8.8.8.8'];
    expect(open.filter((address) => reachOf(address, NONE) !== 'public')).toEqual([]);
  });

  it('of a network that is allowed is reached, and its neighbour is not', () => {
    const networks = readNetworks('10.1.0.0/16, fd12::/16');
    expect(['10.1.2.3', '::ffff:10.1.2.3', 'fd12::1'].map((address) => reachOf(address, networks))).toEqual([
      ...['allowed', 'allowed', 'allowed'],
    ]);
    expect(['10.2.0.1', 'fd13::1', '64:ff9b::10.1.2.3'].map((address) => reachOf(address, networks))).toEqual([
      ...['forbidden', 'forbidden', 'forbidden'],
    ]);
  });
});

describe('the setting of networks', () => {
  it('with something else in it names that', () => {
    for (const text of ['10.0.0.0/33', '10.0.0.0', '::/129', 'x/8']) {
      expect(() => readNetworks(text)).toThrow(`WEBHOOK_ALLOWED_NETWORKS: ${text} is no network`);
    }
  });
});
