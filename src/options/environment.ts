import { plainToInstance, type ClassConstructor } from 'class-transformer';
import { validateSync } from 'class-validator';

/**
 * Reads the variables that a class declares from the environment and checks them by its decorators.
 * Empty variables count as not set.
 * @throws Error that names each wrong variable, and tells no values: some are secrets
 */
export function readEnvironment<T extends object>(
  shape: ClassConstructor<T>,
  environment: NodeJS.ProcessEnv = process.env,
): T {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  );
  const variables = plainToInstance(shape, given, {
    excludeExtraneousValues: true,
    exposeDefaultValues: true,
    exposeUnsetFields: false,
  });
  const errors = validateSync(variables, { skipMissingProperties: true });
  if (errors.length > 0) {
    const sentences = errors.flatMap(({ constraints = {} }) => Object.values(constraints));
    throw new Error(`Configuration: ${sentences.join('; ')}.`);
  }
  return variables;
}
