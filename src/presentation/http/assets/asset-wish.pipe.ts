import { Injectable, type PipeTransform } from '@nestjs/common';
import { checkWish, type PictureWish } from '../../../application/pictures/picture-wish';
import type { PictureFormat } from '../../../application/ports/picture-converter';
import { QueryFields } from './query-fields';

/** How the bytes of an asset are wanted. */
export interface AssetWish {
  /** As another picture; left out: as they are. */
  readonly picture?: PictureWish;
  /** To be saved, whatever it is. */
  readonly isDownload: boolean;
}

/**
 * The query of `GET /assets/:id`, as any parser of query strings leaves it.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class AssetWishPipe implements PipeTransform<unknown, AssetWish> {
  transform(query: unknown): AssetWish {
    const fields = new QueryFields(query);
    const picture: PictureWish = {
      format: fields.text('format') as PictureFormat | undefined,
      quality: fields.number('quality'),
      width: fields.number('width'),
      height: fields.number('height'),
    };
    const isAsItIs = Object.values(picture).every((wish) => wish === undefined);
    if (!isAsItIs) checkWish(picture);
    return { isDownload: readDownload(fields), ...(!isAsItIs && { picture }) };
  }
}

/** `?download` alone is a yes. */
function readDownload(fields: QueryFields): boolean {
  return fields.has('download') && !['false', '0'].includes(fields.text('download') ?? '');
}
