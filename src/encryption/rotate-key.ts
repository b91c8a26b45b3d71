import { newDataKey } from '../keys/data-keys.js';
import type { KeyPurpose } from '../keys/key-provider.js';
import { insertDataKey, readKeys } from '../keys/key-store.js';
import { keysDestroyed } from '../keys/keys-needed.js';
import type { JobCourse } from './job-course.js';
import { moveEpoch } from './key-changes.js';
import type { KeyJobStage } from './key-job.js';

/**
 * A data key takes the place of another, under which all values of a tenant are or by which they are found, while everybody works on.
 *
 * `encrypt`: everybody writes with the new key and reads with both; what is stored is encrypted again; the old key is put away.
 * `index`: everybody writes the tags of both and looks for those of the old; what is stored gets both; everybody writes the new ones and
 * looks for them; what is stored loses the old ones; the old key is put away.
 *
 * Each change of what is written or looked for moves the epoch, so that nobody is ever a stage behind: a value that is written without a tag
 * is never looked for by that tag.
 */
export async function rotateKey(course: JobCourse): Promise<void> {
  const purpose = course.job.purpose as KeyPurpose;
  const version = course.job.version as number;
  const steps: Readonly<Partial<Record<KeyJobStage, () => Promise<void>>>> = {
    prepare: () => makeKey(course, purpose, version),
    switch:
      purpose === 'encrypt'
        ? () => course.moveEpoch({ encryptVersion: version }, 'sweep')
        : () => course.moveEpoch({ indexNext: version }, 'fill'),
    fill: () => course.sweep('adopt'),
    adopt: () => course.moveEpoch({ indexVersion: version }, 'sweep'),
    sweep: () => course.sweep('retire'),
  };
  for (let step = steps[course.stage]; step; step = steps[course.stage]) await step();
  await course.finish({ action: 'keys.rotated', body: { purpose, version } }, (tx) =>
    moveEpoch(tx, course.tenant.id, { retired: { purpose, before: version } }),
  );
}

/** One that a process made which then died serves as well. @throws KeyFault, Problem key/destroyed */
async function makeKey(course: JobCourse, purpose: KeyPurpose, version: number): Promise<void> {
  const { tools, tenant } = course;
  const stored = await course.inTenant((tx) => readKeys(tx, tenant.id));
  if (!stored || stored.tenant.destroyedAt) throw keysDestroyed();
  const isThere = stored.data.some((key) => key.purpose === purpose && key.version === version);
  if (!isThere) {
    const { provider, keyRef } = stored.tenant;
    const context = { tenantId: tenant.id, purpose, version };
    const made = await newDataKey(tools.providers.named(provider), keyRef, context);
    await course.inTenant((tx) => insertDataKey(tx, tenant.id, { purpose, version, provider, keyRef, ...made }));
  }
  // Opened by everybody before anything is under it.
  await course.enter('switch');
}
