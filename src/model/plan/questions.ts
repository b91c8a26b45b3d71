import { columnType } from '../ddl/column.js';
import { droppedProperties, formerProperty, type Transition } from './transition.js';

/** What the documents leave open. Unanswered, the plan is not applied. */
export interface Question {
  readonly property: string;
  /** New properties that could be the old one under another name. */
  readonly candidates: readonly string[];
  readonly message: string;
  /** What `allow` must name to say that nothing was renamed. */
  readonly answer: string;
}

/** A property that goes while another of its type comes may have been renamed; guessing wrong would lose what records hold. */
export function questionsOf(t: Transition): Question[] {
  const added = t.after.properties.filter((property) => !formerProperty(t, property) && !t.kept.has(property.name));
  return droppedProperties(t).flatMap((dropped) => {
    const candidates = added.filter((property) => columnType(property) === columnType(dropped)).map(({ name }) => name);
    if (candidates.length === 0) return [];
    const answer = `drop:${dropped.name}`;
    const [old, first] = [dropped.name, candidates[0]].map((name) => JSON.stringify(name));
    const message =
      `${old} goes and ${candidates.map((name) => JSON.stringify(name)).join(', ')} of the same type comes. Was it renamed? ` +
      `Then write "renamedFrom": ${old} in ${first}. If not, allow ${JSON.stringify(answer)}`;
    return [{ property: dropped.name, candidates, message, answer }];
  });
}
