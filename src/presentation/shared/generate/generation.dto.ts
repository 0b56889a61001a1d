import { ApiProperty, ApiPropertyOptional, ApiSchema, IntersectionType, OmitType } from '@nestjs/swagger';
import type { GeneratedFile } from '../../../application/assets/generated-file';
import type { GenerationResult } from '../../../application/jobs/generation-result';
import { FileMetadataDto } from '../file-metadata.dto';
import { fileUrl, type ResponseContext } from './response-context';

const JOB_ID = '0b6f3c0e-6a4e-4d0b-9b1e-0c8f5a1f2f5d';
const PNG_START = 'iVBORw0KGgoAAAANSUhEUgAAAgAAAAIA…';

class OutputFileIdDto {
  @ApiProperty({
    description: 'The file as produced: `GET /assets/{id}`.',
    format: 'uuid',
    example: '4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  assetId!: string;
}

/** @publicApi */
@ApiSchema({ name: 'OutputFile' })
export class OutputFileDto extends IntersectionType(
  OutputFileIdDto,
  OmitType(FileMetadataDto, ['subfolder', 'type', 'sizeBytes']),
) {
  @ApiProperty({ description: "ComfyUI's name for the file.", example: 'ComfyUI_00001_.png' })
  declare filename: string;

  @ApiProperty({ description: 'Size of the file as delivered, bytes.', example: 392817 })
  sizeBytes!: number;

  @ApiProperty({
    description:
      'The public link of the storage, where it has one (it may expire), else that of this service, below PUBLIC_URL or as a path.',
    example: '/assets/4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  url!: string;

  @ApiPropertyOptional({
    description:
      'The file; left out with `"response": "url"`, and in the `result` of an event stream, which sent it as `output`.',
    format: 'byte',
    example: PNG_START,
  })
  base64?: string;
}

@ApiSchema({ name: 'OutputText' })
export class OutputTextDto {
  @ApiProperty({ description: 'The node that produced it.', example: '12' })
  nodeId!: string;

  @ApiProperty({ description: 'The text.', example: 'a lighthouse' })
  text!: string;
}

/** @publicApi */
@ApiSchema({ name: 'Generation' })
export class GenerationDto {
  @ApiProperty({ description: 'The job.', format: 'uuid', example: JOB_ID })
  id!: string;

  @ApiPropertyOptional({
    description:
      'The first image, or with `"response": "url"` its link; null when the run produced none. Left out in the `result` of an event stream.',
    type: String,
    format: 'byte',
    nullable: true,
    example: PNG_START,
  })
  image?: string | null;

  @ApiProperty({
    description:
      'All images, in the order of the nodes as submitted, then of the items. In an application that parses JSON itself, ids that are numbers ascend. Temporary files count only where a run produced nothing else.',
    type: [OutputFileDto],
  })
  images!: OutputFileDto[];

  @ApiProperty({
    description: 'Video, audio, 3D and all other files that are not images.',
    type: [OutputFileDto],
    example: [],
  })
  files!: OutputFileDto[];

  @ApiProperty({ description: 'Text outputs.', type: [OutputTextDto], example: [] })
  texts!: OutputTextDto[];

  @ApiProperty({
    description: "Number of runs: more than one when a server was lost, or a file of ComfyUI's cache was gone.",
    example: 1,
  })
  attempts!: number;

  @ApiProperty({ description: 'From submission to the last file, milliseconds.', example: 5210 })
  durationMs!: number;
}

export function toOutputFileDto(file: GeneratedFile, context: ResponseContext): OutputFileDto {
  const { assetId, nodeId, filename, mediaType, width, height, durationSeconds, sizeBytes } = file;
  const url = fileUrl(file, context);
  return { assetId, nodeId, filename, mediaType, width, height, durationSeconds, sizeBytes, url };
}

/** Without the bytes. */
export function toGenerationDto(result: GenerationResult, context: ResponseContext): GenerationDto {
  const { id, images, files, texts, attempts, durationMs } = result;
  const toDto = (file: GeneratedFile) => toOutputFileDto(file, context);
  return { id, images: images.map(toDto), files: files.map(toDto), texts: [...texts], attempts, durationMs };
}
