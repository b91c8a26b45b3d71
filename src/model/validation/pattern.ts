/**
 * Regular expressions of entity documents, run by RE2 in linear time. Documents are checked with this when they are
 * defined, and the validator gives it to ajv instead of JavaScript's backtracking RegExp.
 */

import { RE2JS, RE2Set } from 're2js';
import { translatePattern } from './pattern-translation.js';

/** UTF-16 units of a pattern's source. */
export const MAX_PATTERN_LENGTH = 1_000;

/** Steps of a compiled program. A counted repetition is written out, so `.{1,255}` has 512. */
const MAX_PATTERN_STEPS = 2_100;

/** RE2 takes time proportional to steps × characters at worst: one million measured 30 to 80 ms, usually it is under 1 ms. */
const MAX_WORK = 1_000_000;

/** Bytes of automaton that one pattern may cache; RE2 goes on without a cache when that is not enough. */
const CACHE_BYTES = 1 << 20;

/** A program this small has so few states that its worst case is paid once, whatever the length of the text. */
const SMALL_PROGRAM = 16;

interface Pattern {
  /** Size of the compiled program, in RE2 instructions. */
  readonly steps: number;
  /**
   * Whether the pattern is found anywhere in the text, as `RegExp.prototype.test` with the `u` flag.
   * @throws PatternTooCostly when the text is so long that the search might hold up everybody else.
   */
  test(text: string): boolean;
}

/** Says nothing about whether the text matches; the caller has to refuse it. */
export class PatternTooCostly extends Error {
  constructor(
    /** UTF-16 units that this pattern can be tried on. */
    readonly maxLength: number,
  ) {
    super(`is too long to be matched against this pattern: at most ${maxLength} characters can be`);
    this.name = 'PatternTooCostly';
  }
}

/**
 * @param source an ECMAScript regular expression (ECMA-262, `u` flag), find-anywhere.
 * @throws Error whose message completes "the pattern …": not valid, not expressible in linear time, or too large.
 */
export function compilePattern(source: string): Pattern {
  if (source.length > MAX_PATTERN_LENGTH) {
    throw new Error(`is ${source.length} characters long; at most ${MAX_PATTERN_LENGTH} are allowed`);
  }
  checkSyntax(source);
  const translated = translatePattern(source);
  const steps = countSteps(translated);
  if (steps > MAX_PATTERN_STEPS) {
    throw new Error(
      `compiles to ${steps} steps; at most ${MAX_PATTERN_STEPS} are allowed: use maxLength instead of a counted repetition`,
    );
  }
  const maxLength = steps <= SMALL_PROGRAM ? Number.POSITIVE_INFINITY : Math.floor(MAX_WORK / steps);
  let program: RE2Set | undefined;
  return {
    steps,
    test(text) {
      if (text.length > maxLength) throw new PatternTooCostly(maxLength);
      program ??= compileProgram(translated);
      return program.match(text).length > 0;
    },
  };
}

function checkSyntax(source: string): void {
  try {
    new RegExp(source, 'u');
  } catch (error) {
    const reason = (error as Error).message.split(': ').at(-1);
    throw new Error(`is not a valid ECMAScript regular expression with the "u" flag: ${reason}`);
  }
}

function countSteps(translated: string): number {
  try {
    return RE2JS.compile(translated).programSize();
  } catch (error) {
    const reason = (error as Error).message.replace(/^error parsing regexp: /, '');
    throw new Error(`cannot be matched in linear time (RE2): ${reason.length > 120 ? `${reason.slice(0, 120)}…` : reason}`);
  }
}

/** A set of one: only sets let us say how much memory the automaton may take, where a plain RE2JS takes up to 8 MB. */
function compileProgram(translated: string): RE2Set {
  const program = new RE2Set(RE2Set.UNANCHORED, 0, CACHE_BYTES);
  program.add(translated);
  program.compile();
  return program;
}
