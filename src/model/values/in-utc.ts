/**
 * An RFC 3339 date-time with its offset resolved, its fraction as written; Postgres reads no offset beyond ±15:59, the RFC has
 * them up to ±23:59.
 */
export function inUtc(dateTime: string): string {
  const text = dateTime.toUpperCase();
  if (text.endsWith('Z')) return text;
  const seconds = new Date(`${text.slice(0, 19)}${text.slice(-6)}`).toISOString().slice(0, 19);
  return `${seconds}${text.slice(19, -6)}Z`;
}
