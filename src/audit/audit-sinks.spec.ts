import { createLogger } from '../platform/log.js';
import { readSettings } from '../platform/settings.js';
import { auditSinks } from './audit-sinks.js';

const logger = createLogger('silent');
const open = (setting: string) => auditSinks({ AUDIT_SINK: setting }, logger);

describe('the setting AUDIT_SINK', () => {
  it.each([
    'none,stdout',
    'file:///tmp/trail',
    'nats://host:4222',
    'nats://host/a b',
    'nats://host/a.*',
    'stdout,',
    'http://a,,stdout',
  ])('refuses %s', (AUDIT_SINK) => {
    expect(() => readSettings({ AUDIT_SINK })).toThrow('AUDIT_SINK must match pattern');
  });

  it('takes places with and without credentials, apart by commas', () => {
    const AUDIT_SINK = 'stdout, https://user:pass@host/path?x=1,nats://token@host:4222/audit.bss';
    expect(readSettings({ AUDIT_SINK })).toMatchObject({ AUDIT_SINK, AUDIT_SINK_FROM: 'begin' });
    expect(open(AUDIT_SINK)).toHaveLength(3);
  });

  it('needs a secret that receivers’ libraries take, if any', () => {
    expect(() => readSettings({ AUDIT_SINK_SECRET: 'whsec_short' })).toThrow('AUDIT_SINK_SECRET must match pattern');
    expect(() => auditSinks({ AUDIT_SINK: 'stdout', AUDIT_SINK_SECRET: 'whsec_!' }, logger)).toThrow('AUDIT_SINK_SECRET');
  });
});

describe('the places audit events go to', () => {
  it('are none, or as many as the setting lists', () => {
    expect(open('none')).toEqual([]);
    const sinks = open('stdout, https://observability.example/events,nats://127.0.0.1:4222/audit');
    expect(sinks.map(({ label }) => label)).toEqual([
      'stdout',
      'https://observability.example/events',
      'nats://127.0.0.1:4222/audit',
    ]);
  });

  it('have names that hold in paths and labels, and stay the same whatever the password and the token are', () => {
    const names = ['http://h/e', 'http://u:p@h/e', 'http://u:other@h/e?token=t'].map((url) => open(url)[0]?.name);
    expect(new Set(names).size).toBe(1);
    expect(names[0]).toMatch(/^http-h-[0-9a-f]{10}$/);
    expect(open('nats://[::1]:4222/audit')[0]?.name).toMatch(/^[a-z0-9][a-z0-9.-]{0,99}$/);
    const different = ['http://h/e', 'http://h/f', 'http://h:81/e', 'https://h/e'].map((url) => open(url)[0]?.name);
    expect(new Set(different).size).toBe(4);
  });

  it('never show a secret', () => {
    const [sink] = open('https://user:secret@h/e?token=secret');
    expect(`${sink?.name} ${sink?.label}`).not.toMatch(/secret|user|token/);
    expect(() => open('https://user:secret@:bad')).toThrow(/^AUDIT_SINK holds something that is no URL$/);
  });

  it('are each named once', () => {
    expect(() => open('http://h/e,http://u:p@h/e')).toThrow('AUDIT_SINK names http://h/e twice');
  });
});
