import type { ColumnType } from '../entity.js';

/** What the text of a filter says, as a record says it. @param text as Postgres would read it for the type; null: it has no exact meaning */
export function comparedValue(of: ColumnType, text: string): string | null {
  switch (of) {
    case 'text':
      return text;
    case 'bytea':
      return Buffer.from(text.slice(2), 'hex').toString('base64');
    case 'numeric':
      return /e/i.test(text) ? null : text.trim().replace(/^\+/, '');
    case 'bigint':
      return String(BigInt(text));
    case 'timestamptz':
    case 'timestamp':
      return text.replace(/T(\d\d:\d\d)(?=Z|[+-]|$)/, 'T$1:00');
    case 'time':
      return `${/^\d\d:\d\d$/.test(text) ? `${text}:00` : text}Z`;
    default:
      return text.trim();
  }
}
