import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsIn,
  IsInt,
  IsNumber,
  IsObject,
  IsOptional,
  IsPositive,
  Length,
  Max,
  Min,
  ValidateNested,
} from 'class-validator';
import { Type } from 'class-transformer';
import { EXAMPLE_WORKFLOW } from './example-workflow';

const OUTPUT_FORMATS = ['png', 'jpeg', 'webp'] as const;
const FILE_RESPONSES = ['base64', 'url'] as const;

type OutputFormat = (typeof OUTPUT_FORMATS)[number];
export type FileResponse = (typeof FILE_RESPONSES)[number];

@ApiSchema({ name: 'OutputFormat' })
export class OutputFormatDto {
  @ApiProperty({
    description: 'What images are converted to for the response.',
    enum: OUTPUT_FORMATS,
    example: 'webp',
  })
  @IsIn(OUTPUT_FORMATS)
  format!: OutputFormat;

  @ApiPropertyOptional({
    description: 'Quality of JPEG and WebP; default 80.',
    type: 'integer',
    minimum: 1,
    maximum: 100,
    example: 80,
  })
  @IsOptional()
  @IsInt()
  @Min(1)
  @Max(100)
  quality?: number;
}

@ApiSchema({ name: 'GenerateRequest' })
export class GenerateDto {
  @ApiProperty({
    description:
      'The workflow in API format (in ComfyUI: Workflow > Export (API)). Integers up to 2^64-1 are kept exactly; in an application that ' +
      'parses JSON itself, send those above 2^53 as strings.',
    type: 'object',
    additionalProperties: true,
    example: EXAMPLE_WORKFLOW,
  })
  prompt: unknown;

  @ApiPropertyOptional({
    description:
      'How long to wait, seconds; overrides `Prefer: wait=`, and is ignored with `respond-async`. Default 300, or the setting of the service.',
    example: 120,
    maximum: 86_400,
    minimum: 0,
    exclusiveMinimum: true,
  })
  @IsOptional()
  @IsNumber()
  @IsPositive()
  @Max(86_400)
  timeout?: number;

  @ApiPropertyOptional({
    description: 'Cancel the run when the caller disconnects while it waits.',
    default: false,
    example: false,
  })
  @IsOptional()
  @IsBoolean()
  cancelOnDisconnect?: boolean;

  @ApiPropertyOptional({
    description:
      'Run what ComfyUI accepts of a workflow it accepts only in part; otherwise such a run is canceled and the response is 422.',
    default: false,
    example: false,
  })
  @IsOptional()
  @IsBoolean()
  allowPartial?: boolean;

  @ApiPropertyOptional({
    description:
      'Keep temporary files (those of PreviewImage) also where the run produces others; otherwise they count only if it produces nothing else.',
    default: false,
    example: false,
  })
  @IsOptional()
  @IsBoolean()
  keepPreviews?: boolean;

  @ApiPropertyOptional({
    description: 'A name for the workflow, to find its files by (`GET /assets?label=`).',
    minLength: 1,
    maxLength: 100,
    example: 'portrait',
  })
  @IsOptional()
  @Length(1, 100)
  label?: string;

  @ApiPropertyOptional({
    description: 'Higher starts sooner, lower waits longer, but not forever: one step is worth ten seconds of waiting.',
    type: 'integer',
    minimum: -100,
    maximum: 100,
    default: 0,
    example: 0,
  })
  @IsOptional()
  @IsInt()
  @Min(-100)
  @Max(100)
  priority?: number;

  @ApiPropertyOptional({
    description: 'Run it only on ComfyUI servers that have all of these labels.',
    type: [String],
    maxItems: 16,
    default: [],
    example: [],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(16)
  @Length(1, 100, { each: true })
  labels?: readonly string[];

  @ApiPropertyOptional({
    description: 'What the response contains of each file: its bytes as base64, or only its link.',
    enum: FILE_RESPONSES,
    default: 'base64',
    example: 'base64',
  })
  @IsOptional()
  @IsIn(FILE_RESPONSES)
  response?: FileResponse;

  @ApiPropertyOptional({
    description: 'Converts the images for the response; the stored files stay as produced.',
    type: OutputFormatDto,
  })
  @IsOptional()
  @IsObject()
  @ValidateNested()
  @Type(() => OutputFormatDto)
  output?: OutputFormatDto;
}
