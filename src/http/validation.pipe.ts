import { ValidationPipe } from '@nestjs/common';
import type { ValidationError } from 'class-validator';
import { pointer } from '../platform/json-value.js';
import { type Fault, Problem } from '../platform/problem.js';

/** Bodies and queries of the control plane against their classes: unknown members are refused, every fault is named. */
export const validation = new ValidationPipe({
  transform: true,
  whitelist: true,
  forbidNonWhitelisted: true,
  exceptionFactory: (errors) =>
    new Problem('request/invalid', 'See errors for each place and rule.', {
      errors: errors.flatMap((error) => faultsOf(error, '')),
    }),
});

function faultsOf(error: ValidationError, at: string): Fault[] {
  const here = pointer(at, error.property);
  const own = Object.entries(error.constraints ?? {}).map(([rule, message]) => ({ pointer: here, rule, message }));
  return [...own, ...(error.children ?? []).flatMap((child) => faultsOf(child, here))];
}
