import { Body, Controller, Get, HttpCode, Post, UseFilters } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { GenerationService } from '../../../application/jobs/generation.service';
import { StatusService } from '../../../application/backends/status.service';
import { toQueuedPromptResponse, toStatusResponse, workflowIn } from '../../shared/comfyui/comfyui.mapper';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { EXAMPLE_WORKFLOW } from '../../shared/generate/example-workflow';
import { StatusResponseDto } from '../../shared/comfyui/status.dto';
import { QueuedPromptResponseDto } from '../../shared/comfyui/workflow.dto';

@ApiTags('comfyui')
@Controller('comfyui')
@UseFilters(ComfyUIExceptionFilter)
export class ComfyUIController {
  constructor(
    private readonly statusService: StatusService,
    private readonly generation: GenerationService,
  ) {}

  @Get('status')
  @ApiOperation({
    summary: 'The state of the ComfyUI servers',
    description:
      'Asks each server now. Responds 200 with `reachable: false` and the reason when none is reachable, within 7 seconds.',
  })
  @ApiOkResponse({ type: StatusResponseDto })
  async status(): Promise<StatusResponseDto> {
    return toStatusResponse(await this.statusService.status());
  }

  @Post('workflow')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Submit a workflow to ComfyUI and return at once',
    description:
      'Does not wait for the run: the job runs what ComfyUI accepts of the workflow. When no server is free, it waits here for one. To get the image, use `POST /generate`.',
  })
  @ApiBody({
    description: 'A workflow in API format, bare or as `{ "prompt": ... }`.',
    schema: { type: 'object', additionalProperties: true },
    examples: {
      wrapped: { summary: 'In a prompt field', value: { prompt: EXAMPLE_WORKFLOW } },
      bare: { summary: 'Bare', value: EXAMPLE_WORKFLOW },
    },
  })
  @ApiOkResponse({ type: QueuedPromptResponseDto })
  @ApiErrors(400, 413, 422, 429, 500, 502, 503)
  async workflow(@Body() body: unknown): Promise<QueuedPromptResponseDto> {
    const workflow = workflowIn(body);
    return toQueuedPromptResponse(
      await this.generation.enqueue({ workflow, allowPartial: true, whenUnreachable: 'refuse' }),
    );
  }
}
