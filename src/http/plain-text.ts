import { Matches } from 'class-validator';

/** Of a body's text that people read in lists, logs and trails: no control characters, no line or paragraph separators. */
export function IsPlainText(): PropertyDecorator {
  return Matches(/^[^\p{Cc}\p{Cs}\p{Zl}\p{Zp}]*$/u, { message: '$property takes no control characters' });
}
