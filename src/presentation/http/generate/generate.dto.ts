import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import {
  ArrayMaxSize,
  IsArray,
  IsBoolean,
  IsInt,
  IsNumber,
  IsOptional,
  IsPositive,
  Length,
  Max,
  Min,
} from 'class-validator';
import { EXAMPLE_WORKFLOW } from './example-workflow';

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
      'How long to wait, seconds; wins over `Prefer: wait=`, and means nothing with `respond-async`. Default 300, or what the service was started with.',
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
      'Run what ComfyUI accepts of a workflow it accepts only in part; otherwise such a run is canceled and answered 422.',
    default: false,
    example: false,
  })
  @IsOptional()
  @IsBoolean()
  allowPartial?: boolean;

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
    description: 'Run it only on ComfyUI servers that carry all of these labels.',
    type: [String],
    maxItems: 16,
    default: [],
    example: [],
  })
  @IsOptional()
  @IsArray()
  @ArrayMaxSize(16)
  @Length(1, 100, { each: true })
  labels?: string[];
}
