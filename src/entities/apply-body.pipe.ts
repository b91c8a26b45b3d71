import type { ArgumentMetadata, PipeTransform } from '@nestjs/common';
import { validation } from '../http/validation.pipe.js';
import { isJsonObject } from '../platform/json-value.js';

/**
 * Checks a body around its document, which whoever reads documents judges, as it was sent: the usual check copies what it looks
 * at, and leaves out members such as "constructor".
 */
export const aroundDocument: PipeTransform = {
  async transform(body: unknown, metadata: ArgumentMetadata) {
    if (!isJsonObject(body) || !isJsonObject(body.document)) return validation.transform(body, metadata);
    const { document } = body;
    return Object.assign(await validation.transform({ ...body, document: {} }, metadata), { document });
  },
};
