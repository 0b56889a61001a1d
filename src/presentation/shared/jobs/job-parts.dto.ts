import { ApiProperty, ApiPropertyOptional, ApiSchema, IntersectionType } from '@nestjs/swagger';
import { type ComfyUIError, ERROR_CODES, type ErrorCode } from '../../../domain/errors';
import type { CollectedFile } from '../../../domain/job/job';
import type { Progress } from '../../../domain/job/progress';
import type { Seed } from '../../../domain/workflow/seeds';
import { FileMetadataDto } from '../file-metadata.dto';
import { jsonSafe } from '../json-safe';
import type { UrlBuilder } from '../url-builder';

@ApiSchema({ name: 'JobProgress' })
export class JobProgressDto implements Progress {
  @ApiProperty({
    description: 'How much of the run is done, 0 to 1; within an attempt it never decreases.',
    example: 0.4231,
  })
  value!: number;

  @ApiProperty({ description: 'Nodes that have run.', example: 4 })
  nodesDone!: number;

  @ApiProperty({ description: 'Nodes that will run: those of the workflow less the cached ones.', example: 7 })
  nodesTotal!: number;

  @ApiProperty({ description: 'The node that runs.', type: String, nullable: true, example: '3' })
  currentNode!: string | null;

  @ApiProperty({ description: 'Its class.', type: String, nullable: true, example: 'KSampler' })
  currentNodeClass!: string | null;

  @ApiProperty({
    description: 'The current step; null while the node reports none.',
    type: Number,
    nullable: true,
    example: 7,
  })
  step!: number | null;

  @ApiProperty({ description: 'Of how many steps.', type: Number, nullable: true, example: 20 })
  steps!: number | null;
}

class JobOutputIdDto {
  @ApiProperty({
    description: 'The file: `GET /assets/{id}`.',
    format: 'uuid',
    example: '4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  assetId!: string;
}

@ApiSchema({ name: 'JobOutput' })
export class JobOutputDto extends IntersectionType(JobOutputIdDto, FileMetadataDto) {
  @ApiProperty({
    description: 'The file at this service: below PUBLIC_URL, or a path.',
    example: '/assets/4f9c0f4e-6a4e-4d0b-9b1e-0c8f5a1f2f5d',
  })
  url!: string;
}

export function toJobOutputDto(file: CollectedFile, urls: UrlBuilder): JobOutputDto {
  const { assetId, nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds } = file;
  const metadata = { nodeId, filename, subfolder, type, mediaType, sizeBytes, width, height, durationSeconds };
  return { assetId, ...metadata, url: urls.asset(assetId) };
}

@ApiSchema({ name: 'JobError' })
export class JobErrorDto {
  @ApiProperty({
    description: 'What ended it, for programs.',
    enum: ERROR_CODES,
    enumName: 'ErrorCode',
    example: 'execution_failed',
  })
  code!: ErrorCode;

  @ApiProperty({
    description: 'What ended it, for people.',
    example: 'Node 8 (VAEDecode) failed: mat1 and mat2 shapes cannot be multiplied',
  })
  message!: string;

  @ApiPropertyOptional({ description: 'The node that failed.', example: '8' })
  nodeId?: string;

  @ApiPropertyOptional({ description: 'Its class.', example: 'VAEDecode' })
  nodeClass?: string;

  @ApiPropertyOptional({ description: "The exception in ComfyUI's Python.", example: 'RuntimeError' })
  exceptionType?: string;

  @ApiPropertyOptional({
    description: 'Its traceback, as ComfyUI reports it.',
    type: [String],
    example: ['  File "nodes.py", line 307, in decode\n    images = vae.decode(samples["samples"])\n'],
  })
  traceback?: string[];

  @ApiPropertyOptional({
    description: 'More, depending on the code: of `invalid_workflow` the errors per node id in `nodeErrors`.',
    type: 'object',
    additionalProperties: true,
    example: {},
  })
  details?: Record<string, unknown>;
}

/** The failed node stands beside the message; all other details stay in `details`. */
export function toJobErrorDto({ code, message, details = {} }: ComfyUIError): JobErrorDto {
  const { nodeId, classType, exceptionType, traceback, ...more } = jsonSafe(details);
  const node = { nodeId, nodeClass: classType, exceptionType, traceback } as Partial<JobErrorDto>;
  return { code, message, ...node, details: Object.keys(more).length > 0 ? more : undefined };
}

@ApiSchema({ name: 'JobAcceptance' })
export class JobAcceptanceDto {
  @ApiProperty({
    description:
      "Its position in ComfyUI's own order; null when the response was lost and the prompt was found by its id.",
    type: Number,
    nullable: true,
    example: 12,
  })
  number!: number | null;

  @ApiProperty({
    description: 'Nodes that ComfyUI left out because they failed validation, by node id.',
    type: 'object',
    additionalProperties: true,
    example: {},
  })
  nodeErrors!: Record<string, unknown>;
}

@ApiSchema({ name: 'Seed' })
export class SeedDto implements Seed {
  @ApiProperty({ description: 'The node with the seed.', example: '3' })
  nodeId!: string;

  @ApiProperty({
    description: 'The seed as text: seeds go up to 2^64-1, which a JSON number does not hold exactly.',
    example: '18446744073709551615',
  })
  value!: string;
}
