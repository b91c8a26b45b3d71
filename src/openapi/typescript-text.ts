/**
 * The smallest pieces of generated TypeScript: names, literals, comments, blocks. Names and descriptions come from entity
 * documents, which are hostile: whatever they hold stays inside its string or comment, and shows what it is.
 */
import type { JsonValue } from '../platform/json-value.js';

const PLAIN_NAME = /^[A-Za-z_$][A-Za-z0-9_$]*$/;

/** Line ends, direction overrides, halves of surrogate pairs and the like, which would make source read as what it is not. */
const UNSHOWN = /[^\x20-\x7e\p{L}\p{M}\p{N}\p{P}\p{S}]/gu;

/** The object type without members, as supabase-js writes it. */
export const NOTHING = '{ [_ in never]: never }';

/** A string as a literal type. */
export function textLiteral(text: string): string {
  return JSON.stringify(text).replace(UNSHOWN, codePoint);
}

/** Names beyond ASCII are quoted, too: which of them are identifiers depends on the reader's compiler. */
export function memberName(name: string): string {
  return PLAIN_NAME.test(name) ? name : textLiteral(name);
}

/** A value as the type that has it alone. */
export function valueLiteral(value: JsonValue): string {
  if (typeof value === 'string') return textLiteral(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(valueLiteral).join(', ')}]`;
  const members = Object.entries(value).map(([name, member]) => `${memberName(name)}: ${valueLiteral(member)}`);
  return members.length === 0 ? '{ [key: string]: never }' : `{ ${members.join('; ')} }`;
}

/** `{`, the members on lines of their own, `}`. */
export function block(members: readonly string[]): string {
  return members.length === 0 ? NOTHING : `{\n${indented(members.join('\n'))}\n}`;
}

export interface MemberOptions {
  readonly optional?: boolean;
  readonly comment?: string;
}

/** One member of a block, after its comment. */
export function member(name: string, type: string, { optional = false, comment = '' }: MemberOptions = {}): string {
  return `${comment}${memberName(name)}${optional ? '?' : ''}: ${type};`;
}

/** A documentation comment with a line end after it; empty without any text. */
export function docComment(paragraphs: readonly string[], tags: readonly string[] = []): string {
  const lines = [...paragraphs.flatMap((paragraph) => paragraph.split(/\r\n?|[\n\u2028\u2029]/)).map(harmless), ...tags];
  const first = lines.findIndex((line) => line !== '');
  const shown = first < 0 ? [] : lines.slice(first, lines.findLastIndex((line) => line !== '') + 1);
  if (shown.length === 0) return '';
  if (shown.length === 1) return `/** ${shown[0]} */\n`;
  return `/**\n${shown.map((line) => ` * ${line}`.trimEnd()).join('\n')}\n */\n`;
}

/** Ends no comment, and is no tag or compiler directive, which begin a line with @. */
function harmless(line: string): string {
  return line
    .replace(/\t/g, ' ')
    .replace(UNSHOWN, codePoint)
    .trim()
    .replace(/\*(?=\/)/g, '*\\')
    .replace(/^[/*\s]*@/, (start) => `${start.slice(0, -1)}\\@`);
}

function codePoint(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
