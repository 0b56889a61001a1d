import { ApiProperty, ApiSchema, IntersectionType } from '@nestjs/swagger';
import type { AssetPage } from '../../../application/assets/asset-repository';
import type { Asset } from '../../../domain/asset';
import type { FileType } from '../../../domain/job/outputs';
import { FileMetadataDto } from '../../shared/file-metadata.dto';
import { isoTime } from '../../shared/iso-time';
import type { UrlBuilder } from '../../shared/url-builder';
import { GenerationFactsDto, toGenerationFactsDto } from './generation-facts.dto';

class AssetPlaceDto {
  @ApiProperty({ description: 'Its id.', format: 'uuid', example: '5f0c1c86-7a0e-4f0b-8a56-0d8f4c1b2a3e' })
  id!: string;

  @ApiProperty({
    description: 'The job that produced it.',
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  jobId!: string;

  @ApiProperty({
    description: 'Its bytes; a path, unless PUBLIC_URL is set.',
    format: 'uri-reference',
    example: 'https://pictures.example.com/assets/5f0c1c86-7a0e-4f0b-8a56-0d8f4c1b2a3e',
  })
  url!: string;
}

@ApiSchema({ name: 'Asset' })
export class AssetDto extends IntersectionType(AssetPlaceDto, FileMetadataDto) {
  @ApiProperty({ description: "Its folder below ComfyUI's; mostly empty.", example: '' })
  declare subfolder: string;

  @ApiProperty({
    description: "Which of ComfyUI's folders it was in.",
    enum: ['output', 'input', 'temp'],
    example: 'output',
  })
  declare type: FileType;

  @ApiProperty({
    description: 'SHA-256 of its bytes; in quotes it is their entity tag.',
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
  sha256!: string;

  @ApiProperty({ description: 'When it was stored.', format: 'date-time', example: '2026-01-31T12:00:05.330Z' })
  createdAt!: string;

  @ApiProperty({
    description: "The caller's name for the workflow.",
    type: String,
    nullable: true,
    example: 'lighthouse',
  })
  label!: string | null;

  @ApiProperty({ description: 'What its workflow says about the run.', type: GenerationFactsDto })
  facts!: GenerationFactsDto;
}

@ApiSchema({ name: 'AssetPage' })
export class AssetPageDto {
  @ApiProperty({ description: 'Newest first.', type: [AssetDto] })
  assets!: AssetDto[];

  @ApiProperty({
    description: 'The `cursor` of the page after this; null at the end.',
    type: String,
    nullable: true,
    example: null,
  })
  next!: string | null;
}

export function toAssetDto({ id, jobId, createdAt, file, description }: Asset, urls: UrlBuilder): AssetDto {
  const { nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds, sha256 } = file;
  const metadata = { nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds };
  return {
    id,
    jobId,
    url: urls.asset(id),
    ...metadata,
    sha256,
    createdAt: isoTime(createdAt),
    label: description.label,
    facts: toGenerationFactsDto(description.facts),
  };
}

export function toAssetPageDto({ assets, next }: AssetPage, urls: UrlBuilder): AssetPageDto {
  return { assets: assets.map((asset) => toAssetDto(asset, urls)), next };
}
