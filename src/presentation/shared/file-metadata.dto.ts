import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import type { FileType } from '../../domain/job/outputs';

/**
 * File metadata shared by all responses; a class with another description of a field declares the field again. A schema lists
 * inherited fields first, so fields that stand before these come from a class of their own.
 */
export class FileMetadataDto {
  @ApiProperty({ description: 'The node that produced it.', example: '9' })
  nodeId!: string;

  @ApiProperty({ description: "ComfyUI's name for the file; not unique.", example: 'ComfyUI_00001_.png' })
  filename!: string;

  @ApiProperty({ description: "Its folder below ComfyUI's; mostly empty.", example: '' })
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

  @ApiPropertyOptional({ description: 'Pixels; images and videos.', example: 512 })
  width?: number;

  @ApiPropertyOptional({ description: 'Pixels; images and videos.', example: 512 })
  height?: number;

  @ApiPropertyOptional({ description: 'Seconds; audio and videos, where the file states it.', example: 3.2 })
  durationSeconds?: number;
}
