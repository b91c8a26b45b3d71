import type { Logger } from '../platform/log.js';
import { KeyFault, type KeyFaultKind } from './key-provider.js';
import { logKeyFault } from './log-key-fault.js';

describe('a fault of a tenant’s keys', () => {
  const logged = (kind: KeyFaultKind) => {
    const lines: [string, Record<string, unknown>, string][] = [];
    const log = (level: string) => (said: Record<string, unknown>, text: string) => lines.push([level, said, text]);
    logKeyFault({ error: log('error'), warn: log('warn') } as unknown as Logger, new KeyFault(kind, 'why'), 'tenant');
    return lines;
  };

  it.each(['denied', 'integrity'] as const)('is an alarm where nothing gets better by itself: %s', (kind) => {
    const said = { tenantId: 'tenant', kind, alarm: `key-${kind}`, err: expect.any(KeyFault) };
    expect(logged(kind)).toEqual([['error', said, expect.stringMatching(/^ALARM: /)]]);
  });

  it.each(['unavailable', 'destroyed'] as const)('is none where it passes, or was decided: %s', (kind) => {
    const said = { tenantId: 'tenant', kind, err: expect.any(KeyFault) };
    expect(logged(kind)).toEqual([['warn', said, expect.not.stringContaining('ALARM')]]);
  });
});
