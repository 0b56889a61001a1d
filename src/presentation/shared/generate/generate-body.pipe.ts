import { Injectable, type PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';
import { validate, validatedFields } from '../validation/dto.pipe';
import { GenerateDto } from './generate.dto';

/** An interface, so that a validation pipe of the host application finds no class to check the workflow against. */
export interface GenerateBody extends Readonly<GenerateDto> {}

/** All but the prompt. */
const FIELDS = validatedFields(GenerateDto);

/**
 * Checks the body of `POST /generate`, and the message `generate`. The workflow passes as it is: the domain checks it, and
 * cloning and validating a graph of megabytes takes long. Unknown fields are ignored; null counts as left out.
 * @throws ComfyUIError `invalid_request`
 */
@Injectable()
export class GenerateBodyPipe implements PipeTransform<unknown, GenerateBody> {
  transform(body: unknown): GenerateBody {
    if (!isObject(body))
      throw refuse('The body must be a JSON object with a prompt, sent with Content-Type: application/json.');
    if (!('prompt' in body)) throw refuse(missingPrompt(body));
    const given = FIELDS.filter((name) => Object.hasOwn(body, name) && body[name] !== undefined && body[name] !== null);
    const fields = Object.fromEntries(given.map((name) => [name, body[name]]));
    validate(plainToInstance(GenerateDto, fields));
    return { ...fields, prompt: body.prompt };
  }
}

function missingPrompt(body: Record<string, unknown>): string {
  const isBare = Object.values(body).some((value) => isObject(value) && 'class_type' in value);
  if (isBare || Array.isArray(body.nodes))
    return 'The workflow must be in a field: { "prompt": <workflow in API format> }.';
  return 'prompt is missing: { "prompt": <workflow in API format> }.';
}

function refuse(message: string): ComfyUIError {
  return new ComfyUIError('invalid_request', message);
}
