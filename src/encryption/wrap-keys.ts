import { rewrapDataKey } from '../keys/data-keys.js';
import { KeyFault, type KeyProviderName } from '../keys/key-provider.js';
import { readKeys } from '../keys/key-store.js';
import { keysDestroyed } from '../keys/keys-needed.js';
import type { JobCourse } from './job-course.js';
import { storeProvider, storeWrapped, type WrappedDataKey, wrappedKeys } from './key-changes.js';

/**
 * The data keys stay what they are, and other keys wrap them: a new version of the provider's key, or a key somewhere else. Each is
 * wrapped and stored by itself, and says where it is, so that all of them can be opened at any time.
 */

interface Target {
  readonly provider: KeyProviderName;
  readonly keyRef: string;
}

export async function rewrapKeys(course: JobCourse): Promise<void> {
  const target = await currentKey(course);
  if (course.stage === 'prepare') {
    await course.tools.providers.named(target.provider).rotateKey(target.keyRef);
    await course.enter('wrap');
  }
  await wrapAll(course, target);
  await course.finish({ action: 'keys.rewrapped', body: { ...target } });
}

export async function moveKeys(course: JobCourse): Promise<void> {
  const target = { provider: course.job.provider as KeyProviderName, keyRef: course.job.keyRef as string };
  if (course.stage === 'prepare') await course.enter('wrap');
  await wrapAll(course, target);
  await course.finish({ action: 'keys.moved', body: { ...target } }, (tx) => storeProvider(tx, course.tenant.id, target));
}

async function currentKey(course: JobCourse): Promise<Target> {
  const stored = await course.inTenant((tx) => readKeys(tx, course.tenant.id));
  if (!stored || stored.tenant.destroyedAt) throw keysDestroyed();
  const { provider, keyRef } = stored.tenant;
  return { provider, keyRef };
}

/** Those that are done are not done again: nothing else makes keys meanwhile. */
async function wrapAll(course: JobCourse, target: Target): Promise<void> {
  const keys = await course.inTenant((tx) => wrappedKeys(tx, course.tenant.id));
  for (const [index, key] of keys.entries()) {
    if (index < course.stepsDone) continue;
    course.assertWanted();
    await wrapAgain(course, key, target);
    await course.note({ done: index + 1, total: keys.length, error: null });
  }
}

async function wrapAgain(course: JobCourse, key: WrappedDataKey, target: Target): Promise<void> {
  const { tools, tenant } = course;
  const { purpose, version, provider, keyRef } = key;
  try {
    const from = { provider: tools.providers.named(provider), keyRef };
    const to = { provider: tools.providers.named(target.provider), keyRef: target.keyRef };
    const wrapped = await rewrapDataKey(from, to, { tenantId: tenant.id, purpose, version }, key);
    await course.inTenant((tx) => storeWrapped(tx, tenant.id, key, { ...target, wrapped }));
  } catch (error) {
    // Nothing is under it any more, and where it was may be gone.
    if (!(key.isRetired && error instanceof KeyFault)) throw error;
  }
}
