import { Body, Controller, Get, HttpCode, Post, UseFilters } from '@nestjs/common';
import { ApiBody, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { GenerationService } from '../../../application/jobs/generation.service';
import { StatusService } from '../../../application/backends/status.service';
import { queuedPromptAnswer, statusAnswer, workflowIn } from '../../shared/comfyui/comfyui-answers';
import { ComfyUIExceptionFilter } from '../errors/comfyui-exception.filter';
import { ApiErrors } from '../errors/error.dto';
import { EXAMPLE_WORKFLOW } from '../../shared/generate/example-workflow';
import { StatusAnswerDto } from '../../shared/comfyui/status.dto';
import { QueuedPromptAnswerDto } from '../../shared/comfyui/workflow.dto';

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
    summary: 'How the ComfyUI servers are',
    description:
      'Asks each server now. Answers 200 with `reachable: false` and the reason when none answers, within 7 seconds.',
  })
  @ApiOkResponse({ type: StatusAnswerDto })
  async status(): Promise<StatusAnswerDto> {
    return statusAnswer(await this.statusService.status());
  }

  @Post('workflow')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Hand a workflow to ComfyUI and return at once',
    description:
      'Nobody waits for the run: the job goes on by itself, and runs what ComfyUI accepts of the workflow. When no server is free it waits here for one. To get the picture, use `POST /generate`.',
  })
  @ApiBody({
    description: 'A workflow in API format, bare or as `{ "prompt": ... }`.',
    schema: { type: 'object', additionalProperties: true },
    examples: {
      wrapped: { summary: 'In a prompt field', value: { prompt: EXAMPLE_WORKFLOW } },
      bare: { summary: 'Bare', value: EXAMPLE_WORKFLOW },
    },
  })
  @ApiOkResponse({ type: QueuedPromptAnswerDto })
  @ApiErrors(400, 413, 422, 429, 500, 502, 503)
  async workflow(@Body() body: unknown): Promise<QueuedPromptAnswerDto> {
    const workflow = workflowIn(body);
    return queuedPromptAnswer(
      await this.generation.enqueue({ workflow, allowPartial: true, whenUnreachable: 'refuse' }),
    );
  }
}
