import { createHash } from 'node:crypto';
import type { Logger } from '../platform/log.js';
import { parseWebhookSecret } from '../platform/standard-webhooks.js';
import type { AuditSink } from './audit-sink.js';
import { HttpSink } from './http-sink.js';
import { NatsSink } from './nats-sink.js';
import { StdoutSink } from './stdout-sink.js';

/** The places audit events go to, by the settings; none of them is connected to before there is something to send. */

interface SinkSettings {
  readonly AUDIT_SINK: string;
  readonly AUDIT_SINK_SECRET?: string;
}

/** @throws when an entry is no place, or two of them are the same */
export function auditSinks(settings: SinkSettings, logger: Logger): AuditSink[] {
  const entries = settings.AUDIT_SINK.split(',').map((entry) => entry.trim());
  if (entries.length === 1 && entries[0] === 'none') return [];
  const secret = settings.AUDIT_SINK_SECRET === undefined ? null : parseWebhookSecret(settings.AUDIT_SINK_SECRET);
  if (secret === null && settings.AUDIT_SINK_SECRET !== undefined) throw new Error('AUDIT_SINK_SECRET is not 24 to 64 bytes');
  const sinks = entries.map((entry) => (entry === 'stdout' ? new StdoutSink(logger) : sinkAt(entry, secret)));
  for (const [n, { name, label }] of sinks.entries()) {
    if (sinks.findIndex((other) => other.name === name) < n) throw new Error(`AUDIT_SINK names ${label} twice`);
  }
  return sinks;
}

function sinkAt(entry: string, secret: Buffer | null): AuditSink {
  // What is no URL is not repeated: it may hold a password.
  if (!URL.canParse(entry)) throw new Error('AUDIT_SINK holds something that is no URL');
  const url = new URL(entry);
  const label = `${url.protocol}//${url.host}${url.pathname}`;
  const name = nameOf(url, label);
  return url.protocol === 'nats:' ? new NatsSink(name, label, url) : new HttpSink(name, label, url, secret);
}

/**
 * Credentials and query are no part of it: with another password or token it is still the same place. The path is, though only
 * its hash is said where the name is.
 */
function nameOf({ protocol, hostname }: URL, label: string): string {
  const host = hostname.replace(/[^a-z0-9.-]/g, '').slice(0, 60);
  return `${protocol.slice(0, -1)}-${host}-${createHash('sha256').update(label).digest('hex').slice(0, 10)}`;
}
