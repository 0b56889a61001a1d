import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { ShutdownState } from '../../application/maintenance/shutdown-state';
import { GenerationService } from '../../application/jobs/generation.service';
import { StatusService } from '../../application/backends/status.service';
import { toQueuedPromptResponse, toStatusResponse, workflowIn } from '../shared/comfyui/comfyui.mapper';
import type { StatusResponseDto } from '../shared/comfyui/status.dto';
import type { QueuedPromptResponseDto } from '../shared/comfyui/workflow.dto';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';

@Controller()
@UseFilters(RpcExceptionFilter)
export class ComfyUIMessageController {
  constructor(
    private readonly statusService: StatusService,
    private readonly generation: GenerationService,
    private readonly shutdownState: ShutdownState,
  ) {}

  @MessagePattern(PATTERNS.status)
  async status(): Promise<StatusResponseDto> {
    this.shutdownState.refuseNew();
    return toStatusResponse(await this.statusService.status());
  }

  @MessagePattern(PATTERNS.workflow)
  async workflow(@Payload() body: unknown): Promise<QueuedPromptResponseDto> {
    const workflow = workflowIn(body);
    return toQueuedPromptResponse(
      await this.generation.enqueue({ workflow, allowPartial: true, whenUnreachable: 'refuse' }),
    );
  }
}
