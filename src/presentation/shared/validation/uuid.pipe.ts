import type { PipeTransform } from '@nestjs/common';
import { validate } from 'uuid';
import { ComfyUIError } from '../../../domain/errors';

/**
 * An id in a path or message, in lower case.
 * @throws ComfyUIError `not_found` for values that are not UUIDs
 */
export class UuidPipe implements PipeTransform<unknown, string> {
  constructor(private readonly kind: 'asset' | 'job') {}

  transform(id: unknown): string {
    if (validate(id)) return String(id).toLowerCase();
    throw new ComfyUIError('not_found', `There is no ${this.kind} with this id: ids of ${this.kind}s are UUIDs.`);
  }
}
