import { ApiProperty, ApiSchema, IntersectionType } from '@nestjs/swagger';
import type { FileType } from '../../../domain/job/outputs';
import { FileFactsDto } from '../../shared/file-metadata.dto';
import { GenerationFactsDto } from './generation-facts.dto';

class AssetPlaceDto {
  @ApiProperty({ description: 'Its id.', format: 'uuid', example: '5f0c1c86-7a0e-4f0b-8a56-0d8f4c1b2a3e' })
  id!: string;

  @ApiProperty({
    description: 'The job that made it.',
    format: 'uuid',
    example: '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  jobId!: string;

  @ApiProperty({
    description: 'Where its bytes are; a path, unless the service was told its public URL.',
    format: 'uri-reference',
    example: 'https://pictures.example.com/assets/5f0c1c86-7a0e-4f0b-8a56-0d8f4c1b2a3e',
  })
  url!: string;
}

@ApiSchema({ name: 'Asset' })
export class AssetDto extends IntersectionType(AssetPlaceDto, FileFactsDto) {
  @ApiProperty({ description: "Where it was below ComfyUI's folder; mostly empty.", example: '' })
  declare subfolder: string;

  @ApiProperty({
    description: "Which of ComfyUI's folders it was in.",
    enum: ['output', 'input', 'temp'],
    example: 'output',
  })
  declare type: FileType;

  @ApiProperty({
    description: 'Of its bytes; in quotes it is their entity tag.',
    example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  })
  sha256!: string;

  @ApiProperty({ description: 'When it was made.', format: 'date-time', example: '2026-01-31T12:00:05.330Z' })
  createdAt!: string;

  @ApiProperty({
    description: "The caller's word for the workflow.",
    type: String,
    nullable: true,
    example: 'lighthouse',
  })
  label!: string | null;

  @ApiProperty({ description: 'What its workflow tells about the run.', type: GenerationFactsDto })
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
