import { Problem, type ProblemName } from '../../platform/problem.js';

/**
 * How every parser here refuses: which parameter, where in it, what is wrong and what to write instead. Values are
 * never repeated (they may be personal data, and details reach logs), names and operators are, shortened.
 */
export function invalidQuery(parameter: string, message: string, position?: number): Problem {
  return refused('request/invalid-query', parameter, message, position);
}

/** For what is understood and is more than one request may ask for: a limit of query-limits.ts. */
export function tooComplex(parameter: string, message: string, position?: number): Problem {
  return refused('request/too-complex', parameter, message, position);
}

function refused(code: ProblemName, parameter: string, message: string, position: number | undefined): Problem {
  const where = position === undefined ? '' : `, position ${position}`;
  return new Problem(code, `Query parameter ${quoteName(parameter)}${where}: ${message}`, {
    parameter: shorten(parameter),
  });
}

/** A name as it may stand in a message. */
export function quoteName(name: string): string {
  return JSON.stringify(shorten(name));
}

/** At most 64 characters and always well-formed, so that the answer is valid JSON in any encoding. */
function shorten(name: string): string {
  const cut = name.length > 64 ? `${name.slice(0, 63)}…` : name;
  return cut.replace(/\p{Surrogate}/gu, '\uFFFD');
}
