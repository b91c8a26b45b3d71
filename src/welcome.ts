import { openDevelopmentIssuer } from './access/development-issuer.js';
import type { Settings } from './platform/settings.js';
import type { RunningService } from './start.js';
import { TenantRow } from './tenants/tenant.row.js';
import { type Tenant, tenantOf } from './tenants/tenant-directory.js';
import { TenantsService } from './tenants/tenants.service.js';

/** Embedded mode only: makes the demo tenant and tells a newcomer where everything is, with a line that works when pasted. */

const ACTOR = { subject: 'embedded-start', roles: [], requestId: 'embedded-start' };
const DEMO_SLUG = 'demo';

export async function welcome(service: RunningService, settings: Settings): Promise<void> {
  const tenant = await ensureDemoTenant(service);
  const issuer = await openDevelopmentIssuer(settings.DATA_DIR);
  const token = await issuer.sign({ subject: 'newcomer', tenantId: tenant.id, roles: ['admin'], expiresInSeconds: 86_400 });
  const base = `${service.url}/api/v1/tenants/${tenant.id}`;
  process.stdout.write(`
  Business Store   ${service.url}
  API in a browser ${service.url}/docs
  Demo tenant      ${tenant.id}
  Real data        npm run demo
  A token          npm run -s bss -- token --tenant ${tenant.id} --roles admin

  Try it (this token is good for a day):

  curl -s -H 'Authorization: Bearer ${token}' ${base}/entities

`);
}

async function ensureDemoTenant({ controlPlane, directory }: RunningService): Promise<Tenant> {
  const row = await controlPlane.platform(ACTOR, (tx) => tx.manager.findOneBy(TenantRow, { slug: DEMO_SLUG }));
  return tenantOf(row ?? (await new TenantsService(controlPlane, directory).create(ACTOR, { slug: DEMO_SLUG, name: 'Demo' })));
}
