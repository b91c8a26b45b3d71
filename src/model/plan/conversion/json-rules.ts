/** From and to jsonb: the JSON value that the API returns is the same before and after. */

import type { ColumnType } from '../../entity.js';
import { isDoubleExactly } from './between-numbers.js';
import { jsonKind } from './json-kind.js';
import type { ColumnKind, Rule } from './rule.js';
import { textForm } from './text-form.js';
import { textRule } from './text-rules.js';

export function toJson(type: Exclude<ColumnType, 'jsonb'>): Rule {
  return { using: (old) => jsonForm(type, old), rule: 'each value stays the same in JSON' };
}

function jsonForm(type: Exclude<ColumnType, 'jsonb'>, old: string): string {
  if (type === 'double precision') return `${textForm(type, old)}::jsonb`;
  return `to_jsonb(${jsonKind(type) === 'string' ? textForm(type, old) : old})`;
}

/** Undefined for jsonb itself. */
export function fromJson(kind: ColumnKind): Rule | undefined {
  const { type } = kind;
  const rule = textRule(kind);
  if (type === 'jsonb' || !rule) return undefined;
  const fits = CONTENT_FITS[type] ?? rule.fits;
  const says = CONTENT_SAYS[type] ?? rule.says;
  return {
    using: (old) => rule.using(contentOf(old)),
    fits: (old) => {
      const isOfKind = `jsonb_typeof(${old}) = '${jsonKind(type)}'`;
      return fits ? `case when ${isOfKind} then ${fits(contentOf(old))} else ${old} is null end` : isOfKind;
    },
    rule: `only a JSON ${jsonKind(type)} converts, and stays the same${says && `; it has to be ${says}`}`,
  };
}

function contentOf(old: string): string {
  return `(${old} #>> '{}')`;
}

/** Where the text of a JSON value is not held to the form of a text: jsonb prints numbers without an exponent. */
const CONTENT_FITS: Partial<Record<ColumnType, (content: string) => string>> = {
  'double precision': (content) => isDoubleExactly(`${content}::numeric`),
};

const CONTENT_SAYS: Partial<Record<ColumnType, string>> = {
  'double precision': 'one that a double holds digit for digit, without zeros at the end of a fraction',
  text: '',
  boolean: '',
};
