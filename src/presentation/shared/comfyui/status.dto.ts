import { ApiProperty, ApiPropertyOptional, ApiSchema } from '@nestjs/swagger';
import type { Status } from '../../../application/backends/status.service';
import type { BackendStatus, CircuitState, Device } from '../../../domain/backend';

@ApiSchema({ name: 'Device' })
export class DeviceDto implements Device {
  @ApiProperty({
    description: "ComfyUI's name for the device.",
    example: 'cuda:0 NVIDIA GeForce RTX 4090 : cudaMallocAsync',
  })
  name!: string;

  @ApiProperty({ description: 'Kind of device.', example: 'cuda' })
  type!: string;

  @ApiProperty({ description: 'Memory of the device, bytes.', type: Number, nullable: true, example: 25386352640 })
  memoryTotal!: number | null;

  @ApiProperty({ description: 'Memory still free, bytes.', type: Number, nullable: true, example: 23957897216 })
  memoryFree!: number | null;
}

@ApiSchema({ name: 'QueueLength' })
export class QueueLengthDto {
  @ApiProperty({ description: 'Prompts that run now.', example: 1 })
  running!: number;

  @ApiProperty({ description: 'Prompts that wait, also those of other clients.', example: 2 })
  pending!: number;
}

@ApiSchema({ name: 'Backend' })
export class BackendDto implements BackendStatus {
  @ApiProperty({ description: 'Address of the ComfyUI server, without credentials.', example: 'http://127.0.0.1:8188' })
  url!: string;

  @ApiProperty({ description: 'Whether it responded.', example: true })
  reachable!: boolean;

  @ApiPropertyOptional({
    description: 'Why it is not reachable.',
    example: 'ComfyUI cannot be reached: connect ECONNREFUSED 127.0.0.1:8188',
  })
  reason?: string;

  @ApiPropertyOptional({ description: 'Version of ComfyUI.', example: '0.3.64' })
  version?: string;

  @ApiPropertyOptional({ type: QueueLengthDto, description: 'Its queue.' })
  queue?: QueueLengthDto;

  @ApiPropertyOptional({ type: [DeviceDto], description: 'Its compute devices.' })
  devices?: DeviceDto[];

  @ApiPropertyOptional({ description: 'Time until its response, milliseconds.', example: 3.2 })
  roundTripMs?: number;

  @ApiProperty({
    description:
      'State of its circuit breaker. `closed`: in use. `open`: it failed, and receives no requests for a while. `half-open`: a probe decides.',
    enum: ['closed', 'open', 'half-open'],
    example: 'closed',
  })
  circuit!: CircuitState;

  @ApiProperty({ description: 'The labels that jobs may require.', type: [String], example: ['sdxl'] })
  labels!: string[];

  @ApiProperty({ description: 'Its share of the jobs, relative to the other servers.', example: 1 })
  weight!: number;

  @ApiProperty({ description: 'Prompts it runs at once.', example: 1 })
  concurrency!: number;

  @ApiProperty({ description: 'Prompts of this service that it has now.', example: 2 })
  handedOver!: number;
}

@ApiSchema({ name: 'Status' })
export class StatusDto implements Status {
  @ApiProperty({ description: 'Whether at least one ComfyUI server is reachable.', example: true })
  reachable!: boolean;

  @ApiProperty({ type: [BackendDto], description: 'Each ComfyUI server.' })
  backends!: BackendDto[];
}

@ApiSchema({ name: 'StatusAnswer' })
export class StatusResponseDto {
  @ApiProperty({
    enum: ['success'],
    example: 'success',
    description: 'Always `success`: an unreachable ComfyUI is a result, not an error.',
  })
  status!: 'success';

  @ApiProperty({ type: StatusDto, description: 'The state of the servers.' })
  data!: StatusDto;
}
