import { Controller, UseFilters } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import { Draining } from '../../application/draining';
import { GenerationService } from '../../application/generation.service';
import { StatusService } from '../../application/status.service';
import { queuedPromptAnswer, statusAnswer, workflowIn } from '../comfyui/comfyui-answers';
import type { StatusAnswerDto } from '../comfyui/status.dto';
import type { QueuedPromptAnswerDto } from '../comfyui/workflow.dto';
import { PATTERNS } from './patterns';
import { RpcExceptionFilter } from './rpc-exception.filter';

@Controller()
@UseFilters(RpcExceptionFilter)
export class ComfyUIMessageController {
  constructor(
    private readonly statusService: StatusService,
    private readonly generation: GenerationService,
    private readonly draining: Draining,
  ) {}

  @MessagePattern(PATTERNS.status)
  async status(): Promise<StatusAnswerDto> {
    this.draining.refuseNew();
    return statusAnswer(await this.statusService.status());
  }

  @MessagePattern(PATTERNS.workflow)
  async workflow(@Payload() body: unknown): Promise<QueuedPromptAnswerDto> {
    const workflow = workflowIn(body);
    return queuedPromptAnswer(
      await this.generation.enqueue({ workflow, allowPartial: true, whenUnreachable: 'refuse' }),
    );
  }
}
