/** What a role may be called; the database knows roles by these names too, separated by spaces. */
const ROLE_NAME = /^[a-z][a-z0-9_-]{0,62}$/;

export function isRoleName(name: string): boolean {
  return ROLE_NAME.test(name);
}
