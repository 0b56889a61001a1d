import type { PipeTransform } from '@nestjs/common';
import { ComfyUIError } from '../../domain/errors';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * An id from the address of a request.
 * @throws ComfyUIError `not_found` for what can be none
 */
export class UuidPipe implements PipeTransform<unknown, string> {
  constructor(private readonly kind: 'asset' | 'job') {}

  transform(id: unknown): string {
    if (typeof id === 'string' && UUID.test(id)) return id.toLowerCase();
    throw new ComfyUIError('not_found', `There is no ${this.kind} with this id: ids of ${this.kind}s are UUIDs.`);
  }
}
