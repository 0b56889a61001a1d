import { Injectable, type PipeTransform } from '@nestjs/common';
import { checkWish, type ImageTransform } from '../../../application/assets/images/image-transform';
import type { ImageFormat } from '../../../application/assets/images/image-converter';
import { QueryFields } from './query-fields';

/** How the bytes of an asset are wanted. */
export interface AssetWish {
  /** As another picture; left out: as they are. */
  readonly picture?: ImageTransform;
  /** To be saved, whatever it is. */
  readonly isDownload: boolean;
}

/**
 * The query of `GET /assets/:id`, as any parser of query strings leaves it.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class DeliveryQueryPipe implements PipeTransform<unknown, AssetWish> {
  transform(query: unknown): AssetWish {
    const fields = new QueryFields(query);
    const picture: ImageTransform = {
      format: fields.text('format') as ImageFormat | undefined,
      quality: fields.number('quality'),
      width: fields.number('width'),
      height: fields.number('height'),
    };
    const isAsItIs = Object.values(picture).every((options) => options === undefined);
    if (!isAsItIs) checkWish(picture);
    return { isDownload: readDownload(fields), ...(!isAsItIs && { picture }) };
  }
}

/** `?download` alone is a yes. */
function readDownload(fields: QueryFields): boolean {
  return fields.has('download') && !['false', '0'].includes(fields.text('download') ?? '');
}
