import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import type { FileType } from '../../../domain/job/outputs';
import { GenerationFactsDto } from './generation-facts.dto';

@ApiSchema({ name: 'Asset' })
export class AssetDto {
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

  @ApiProperty({ description: 'The node that made it.', example: '9' })
  nodeId!: string;

  @ApiProperty({ description: "ComfyUI's name for the file; not unique.", example: 'ComfyUI_00001_.png' })
  filename!: string;

  @ApiProperty({ description: "Where it was below ComfyUI's folder; mostly empty.", example: '' })
  subfolder!: string;

  @ApiProperty({
    description: "Which of ComfyUI's folders it was in.",
    enum: ['output', 'input', 'temp'],
    example: 'output',
  })
  type!: FileType;

  @ApiProperty({ description: 'Media type, by its bytes.', example: 'image/png' })
  mediaType!: string;

  @ApiProperty({ description: 'Size of the file, bytes.', example: 392817 })
  sizeBytes!: number;

  @ApiPropertyOptional({ description: 'Pixels; pictures and films.', example: 512 })
  width?: number;

  @ApiPropertyOptional({ description: 'Pixels; pictures and films.', example: 512 })
  height?: number;

  @ApiPropertyOptional({ description: 'Seconds; sound and films, when the file tells.', example: 3.2 })
  durationSeconds?: number;

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
