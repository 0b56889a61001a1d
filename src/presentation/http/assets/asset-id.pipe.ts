import { Injectable, type PipeTransform } from '@nestjs/common';
import { ComfyUIError } from '../../../domain/errors';

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * The id of an asset from the address of a request.
 * @throws ComfyUIError `not_found` for what can be none
 */
@Injectable()
export class AssetIdPipe implements PipeTransform<unknown, string> {
  transform(id: unknown): string {
    if (typeof id === 'string' && UUID.test(id)) return id.toLowerCase();
    throw new ComfyUIError('not_found', 'There is no asset with this id: ids of assets are UUIDs.');
  }
}
