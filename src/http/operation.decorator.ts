import { SetMetadata } from '@nestjs/common';
import type { Operation } from '../access/operations.js';

export const OPERATION = 'bss:operation';

/** Every route names its operation; one that does not, does not boot (`assertOperations`). */
export const Performs = (operation: Operation): MethodDecorator => SetMetadata(OPERATION, operation);
