import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { FileType } from '../../domain/job/outputs';

/**
 * What is told of a file wherever one is told of; a field that is described otherwise somewhere is declared there again.
 * A schema lists inherited fields first, so what is to stand before these is a class of its own.
 */
export class FileFactsDto {
  @ApiProperty({ description: 'The node that made it.', example: '9' })
  nodeId!: string;

  @ApiProperty({ description: "ComfyUI's name for the file; not unique.", example: 'ComfyUI_00001_.png' })
  filename!: string;

  @ApiProperty({ description: "Where it is below ComfyUI's folder; mostly empty.", example: '' })
  subfolder!: string;

  @ApiProperty({
    description: "Which of ComfyUI's folders it is in.",
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
}
