import type { InspectedTenant } from '../packs/rollout-tenants.service.js';
import type { RolloutView } from '../packs/rollout-view.js';
import { counted } from '../platform/counted.js';
import type { ServiceClient } from './service-client.js';
import { textTable } from './text-table.js';

/** What the service answers about rollouts, read and put into words. */

/** As it travels: times are RFC 3339 text. */
export type RolloutAnswer = Omit<RolloutView, 'createdAt' | 'finishedAt'> & {
  readonly createdAt: string;
  readonly finishedAt: string | null;
};

export async function readRollout(client: ServiceClient, id: string): Promise<RolloutAnswer> {
  return client.get<RolloutAnswer>(`/api/v1/rollouts/${encodeURIComponent(id)}`);
}

/** The newest, also of one pack. */
export async function newestRollout(client: ServiceClient, pack?: string): Promise<RolloutAnswer> {
  const query = new URLSearchParams({ limit: '1', ...(pack === undefined ? {} : { pack }) });
  const { items } = await client.get<{ items: RolloutAnswer[] }>(`/api/v1/rollouts?${query}`);
  const [newest] = items;
  if (!newest) throw new Error(pack === undefined ? 'there has been no rollout yet' : `there has been no rollout of ${pack} yet`);
  return readRollout(client, newest.id);
}

/** Every tenant that has the pack; `onPage` hears how many have been read. */
export async function readTenants(
  client: ServiceClient,
  id: string,
  { drift, status }: { readonly drift: boolean; readonly status?: string },
  onPage: (read: number) => void = () => {},
): Promise<InspectedTenant[]> {
  const tenants: InspectedTenant[] = [];
  for (let after: string | null = ''; after !== null; ) {
    const query = new URLSearchParams({
      // A tenant takes some 5 ms with drift, but two seconds where somebody has locked its tables: no answer is long in coming.
      limit: drift ? '50' : '200',
      drift: String(drift),
      ...(status === undefined ? {} : { status }),
      ...(after === '' ? {} : { after }),
    });
    const page: { items: InspectedTenant[]; next: string | null } = await client.get(`/api/v1/rollouts/${id}/tenants?${query}`);
    tenants.push(...page.items);
    after = page.next;
    onPage(tenants.length);
  }
  return tenants;
}

/** Two lines: what it is and where it stands. */
export function describeRollout(rollout: RolloutAnswer): string {
  const { id, pack, version, status, ring, rings, total, percent, counts, createdAt, createdBy, reason } = rollout;
  const left = rollout.estimatedRemainingSeconds === null ? '' : `, about ${inWords(rollout.estimatedRemainingSeconds)} left`;
  const numbers = Object.entries(counts).flatMap(([name, count]) => (count > 0 ? [`${count} ${name}`] : []));
  return [
    `${pack} ${version}: ${status}, ring ${Math.min(ring, rings.length)} of ${rings.length}, ${percent} % of ${counted(total, 'tenant')} after ${inWords(rollout.elapsedSeconds)}${left}`,
    ...(numbers.length > 0 ? [numbers.join(', ')] : []),
    ...(reason ? [reason] : []),
    `rollout ${id}, begun ${createdAt} by ${createdBy}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

/** A line for each tenant, and below what its drift is in full and what is being prepared. */
export function describeTenants(tenants: readonly InspectedTenant[]): string {
  const rows = tenants.map((tenant) => [
    tenant.slug,
    tenant.version,
    tenant.status ?? (tenant.tenantStatus === 'suspended' ? 'suspended' : '-'),
    tenant.ring === null ? '-' : String(tenant.ring),
    driftCell(tenant),
    errorCell(tenant),
  ]);
  const drifted = tenants.flatMap(({ slug, drift }) =>
    drift && drift.length > 0
      ? [`\ndrift of ${slug}:\n`, ...drift.map(({ entity, message }) => `  ${entity}: ${message}\n`)]
      : [],
  );
  const preparing = tenants.flatMap(({ slug, preparing: objects = [] }) =>
    objects.length > 0
      ? [`\nbeing prepared in ${slug}:\n`, ...objects.map(({ entity, message }) => `  ${entity}: ${message}\n`)]
      : [],
  );
  const table = textTable(['tenant', 'version', 'status', 'ring', 'drift', 'last error'], rows);
  return [table, ...drifted, ...preparing].join('');
}

function driftCell({ drift, driftError }: InspectedTenant): string {
  if (drift === undefined) return '?';
  if (drift === null) return `? ${driftError ?? ''}`;
  return drift.length === 0 ? 'none' : String(drift.length);
}

function errorCell({ error }: InspectedTenant): string {
  if (!error) return '';
  const { type = '', detail = '' } = error as { type?: string; detail?: string };
  return `${type.split(':').at(-1)}: ${detail}`;
}

/** `45 s`, `3 min`, `2 h`. */
export function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} s`;
  return seconds < 7_200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}
