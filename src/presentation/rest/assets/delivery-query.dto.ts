import { Expose, Transform } from 'class-transformer';
import { IsIn, IsBoolean } from 'class-validator';
import { IMAGE_FORMATS, type ImageFormat } from '../../../application/assets/images/image-converter';
import { type ImageTransform, MAX_QUALITY, MAX_SIDE } from '../../../application/assets/images/image-transform';
import { QueryNumber, QueryText } from '../../shared/validation/query.decorators';

/** How the bytes of an asset are delivered. */
export interface DeliveryQuery extends ImageTransform {
  /** To be saved, whatever its media type. */
  readonly isDownload: boolean;
}

/** The query of `GET /assets/:id`. */
export class DeliveryQueryDto implements DeliveryQuery {
  @IsIn(IMAGE_FORMATS, { message: `format must be any of ${IMAGE_FORMATS.join(', ')}` })
  @QueryText()
  format?: ImageFormat;

  @QueryNumber(MAX_QUALITY)
  quality?: number;

  @QueryNumber(MAX_SIDE)
  width?: number;

  @QueryNumber(MAX_SIDE)
  height?: number;

  /** `?download` alone means yes. */
  @Expose({ name: 'download' })
  @Transform(({ value }: { value: unknown }) => toFlag(value))
  @IsBoolean({ message: 'download must be given once' })
  isDownload = false;
}

/** The conversion that the query asks for; undefined: none. */
export function transformOf({ format, quality, width, height }: DeliveryQuery): ImageTransform | undefined {
  const transform = { format, quality, width, height };
  return Object.values(transform).some((value) => value !== undefined) ? transform : undefined;
}

function toFlag(value: unknown): unknown {
  return typeof value === 'string' ? !['false', '0'].includes(value) : value;
}
