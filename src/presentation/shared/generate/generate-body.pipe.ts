import { Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { validateSync, type ValidationError } from 'class-validator';
import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { GenerateDto } from './generate.dto';

/** An interface, so that a validation pipe of the host application has no class to judge the workflow by. */
export interface GenerateBody extends Readonly<GenerateDto> {}

/** All but the prompt. */
const FIELDS: readonly Exclude<keyof GenerateDto, 'prompt'>[] = [
  'timeout',
  'cancelOnDisconnect',
  'allowPartial',
  'keepPreviews',
  'label',
  'priority',
  'labels',
  'response',
  'output',
];

/**
 * Checks the body of `POST /generate`. The workflow passes as it is: its checks are the domain's, and cloning and
 * walking a graph of megabytes is work for nothing. Fields we do not know are ignored, as a bare bridge would.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class GenerateBodyPipe implements PipeTransform<unknown, GenerateBody> {
  transform(body: unknown): GenerateBody {
    if (!isObject(body))
      throw refuse('The body must be a JSON object with a prompt, sent with Content-Type: application/json.');
    if (!('prompt' in body)) throw refuse(missingPrompt(body));
    const known = FIELDS.flatMap((name) => (name in body ? [[name, body[name]] as const] : []));
    const request = plainToInstance(GenerateDto, Object.fromEntries(known));
    const errors = validateSync(request);
    if (errors.length > 0) throw refuse(`${errors.flatMap(sentences).join(', ')}.`);
    request.prompt = body.prompt;
    return request;
  }
}

function missingPrompt(body: Record<string, unknown>): string {
  const isBare = Object.values(body).some((value) => isObject(value) && 'class_type' in value);
  if (isBare || Array.isArray(body.nodes))
    return 'The workflow must be in a field: { "prompt": <workflow in API format> }.';
  return 'prompt is missing: { "prompt": <workflow in API format> }.';
}

function sentences({ constraints = {}, children = [], property }: ValidationError): string[] {
  const inside = children.flatMap(sentences).map((sentence) => `${property}.${sentence}`);
  return [...Object.values(constraints), ...inside];
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}
