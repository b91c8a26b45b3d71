import type { ServiceClient } from './service-client.js';

/**
 * The items of a list of the service, however many pages they are.
 * @param path with a query string that says how long a page is
 * @param parameter what begins the next page, where it is not `after`
 * @param most items beyond it are left out
 */
export async function readPages<T>(
  client: ServiceClient,
  path: string,
  { parameter = 'after', most = Number.POSITIVE_INFINITY }: { readonly parameter?: string; readonly most?: number } = {},
): Promise<T[]> {
  const all: T[] = [];
  for (let following = ''; ; ) {
    const { items, next } = await client.get<{ items: T[]; next: string | number | null }>(path + following);
    all.push(...items);
    if (next === null || all.length >= most) return all.slice(0, most);
    following = `&${parameter}=${next}`;
  }
}
