import type { PipeTransform } from '@nestjs/common';
import { plainToInstance } from 'class-transformer';
import { getMetadataStorage, validateSync, type ValidationError, type ValidatorOptions } from 'class-validator';
import { ComfyUIError } from '../../../domain/errors';
import { isObject } from '../../../shared/json';

type Class<T> = new () => T;

/**
 * Reads a query or message into the class that declares its fields. Other fields are ignored; null counts as left out. The
 * parameter of the handler is typed by an interface, so that a validation pipe of the host application finds no class to check.
 * @throws ComfyUIError `invalid_request`
 */
export class DtoPipe<T extends object> implements PipeTransform<unknown, T> {
  constructor(private readonly Dto: Class<T>) {}

  transform(fields: unknown): T {
    const given = Object.entries(isObject(fields) ? fields : {}).filter(([, value]) => value !== null);
    const options = { excludeExtraneousValues: true, exposeUnsetFields: false };
    const dto = plainToInstance(this.Dto, Object.fromEntries(given), options);
    validate(dto, { stopAtFirstError: true });
    return dto;
  }
}

/** @throws ComfyUIError `invalid_request` with a sentence for each violated constraint */
export function validate(dto: object, options?: ValidatorOptions): void {
  const errors = validateSync(dto, options);
  if (errors.length > 0) throw new ComfyUIError('invalid_request', `${errors.flatMap(sentences).join(', ')}.`);
}

/** The fields of a class that have validators. */
export function validatedFields<T extends object>(Dto: Class<T>): readonly (keyof T & string)[] {
  const metadata = getMetadataStorage().getTargetValidationMetadatas(Dto, '', false, false);
  return [...new Set(metadata.map(({ propertyName }) => propertyName as keyof T & string))];
}

function sentences({ constraints = {}, children = [], property }: ValidationError): string[] {
  const nested = children.flatMap(sentences).map((sentence) => `${property}.${sentence}`);
  return [...Object.values(constraints), ...nested];
}
