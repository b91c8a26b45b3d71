import type { PlanAnswer } from '../entities/change-request.js';
import { counted } from '../platform/counted.js';

/** A plan for people to read: what happens, what stands in the way, and the exact SQL. */
export function planText(plan: PlanAnswer): string {
  const lines = [
    `${plan.entity}: version ${plan.fromVersion} → ${plan.toVersion}, ${counted(plan.rows, 'record')}, compatibility ${plan.compatibility.level}`,
    '',
    ...plan.operations.flatMap(operationLines),
    ...plan.alsoChanges.map(({ entity, toVersion }) => `  and  ${entity} gets version ${toVersion}, since it names this entity`),
    '',
    ...plan.steps.flatMap((step, index) => {
      const facts = [step.phase, step.lock === 'none' ? 'no lock' : step.lock, `blocks ${step.blocks}`];
      if (step.rewrite) facts.push('rewrites the table');
      if (step.rows > 0) facts.push(counted(step.rows, 'row'));
      facts.push(`about ${step.estimateMs} ms`);
      return [`-- ${index + 1}. ${facts.join(', ')}`, `${step.sql};`];
    }),
    '',
    `way back: ${plan.inverse.reversible}${plan.inverse.reasons.map((reason) => `; ${reason}`).join('')}`,
    ...plan.questions.map(({ message }) => `question: ${message}`),
    ...(plan.needs.length > 0 ? [`needs: --allow ${plan.needs.join(' --allow ')}`] : []),
    `hash: ${plan.hash}`,
  ];
  return `${lines.join('\n')}\n`;
}

function operationLines({ description, risk, failing }: PlanAnswer['operations'][number]): string[] {
  const mark = failing.length > 0 ? 'STOP' : risk.level === 'destructive' ? 'DROP' : '  ok';
  return [
    ` ${mark}  ${description}`,
    ...failing.flatMap(({ rows, sample, message, wayOut, checked }) => [
      `       ${counted(rows, 'record')}${checked === undefined ? '' : ` of the first ${checked}`}: ${message}`,
      `       such as ${sample.join(', ')}`,
      `       way out: ${wayOut}`,
    ]),
  ];
}
