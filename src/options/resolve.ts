import { validateSync } from 'class-validator';
import { isObject } from '../shared/json';
import { oneLine } from '../shared/text';
import { OptionError, type OptionProblem } from './option-error';
import { type Setting, type SettingsClass, settingsOf } from './setting';

/** An object with the properties of a class of settings. */
export type Values<Settings> = Pick<Settings, keyof Settings>;

export interface Checked<T> {
  /** With the defaults of what is not given. */
  readonly settings: T;
  readonly problems: readonly OptionProblem[];
}

interface ResolveOptions {
  /** Where the object stands among the options. */
  readonly path?: string;
  /** Name of the module or function that takes the options, for the message. */
  readonly module?: string;
}

/**
 * Checks options by the decorators of their class and fills in the defaults; undefined and null count as not given.
 * @throws OptionError with all wrong options; it contains no values, since some are secrets
 */
export function resolve<T extends object>(
  settingsClass: SettingsClass<T>,
  given: object,
  { path = '', module }: ResolveOptions = {},
): Values<T> {
  const { settings, problems } = check(settingsClass, given, path);
  if (problems.length > 0) throw new OptionError(problems, module);
  return settings;
}

/** As {@link resolve}, for several objects whose problems are reported together. */
export function check<T extends object>(settingsClass: SettingsClass<T>, given: object, path = ''): Checked<Values<T>> {
  const settings = new settingsClass();
  const problems: OptionProblem[] = [];
  for (const setting of settingsOf(settingsClass)) {
    const { option } = setting;
    const value: unknown = Reflect.get(given, option) ?? Reflect.get(settings, option);
    const nested = checkNested(setting, value, at(path, option));
    problems.push(...nested.problems);
    Object.assign(settings, { [option]: nested.settings });
  }
  problems.push(...problemsOf(settings, path));
  return { settings, problems };
}

function problemsOf(settings: object, path: string): OptionProblem[] {
  const errors = validateSync(settings, { skipMissingProperties: true, stopAtFirstError: true });
  return errors.map(({ property, constraints = {} }) => {
    const [problem = ''] = Object.values(constraints);
    const prefixed = problem.replace(/\{(\w+)\}/g, (_all, option: string) => `{${at(path, option)}}`);
    return { option: at(path, property), problem: prefixed };
  });
}

/** A value that is no object, and has to be one, is left to the checks of its setting. */
function checkNested(setting: Setting, value: unknown, path: string): Checked<unknown> {
  if (!setting.nested || typeof value !== 'object') return { settings: value, problems: [] };
  if (!Array.isArray(value)) return checkObject(setting, value, path);
  const elements = value.map((element, index) => checkObject(setting, element, `${path}[${index}]`));
  return {
    settings: elements.map(({ settings }) => settings),
    problems: elements.flatMap(({ problems }) => problems),
  };
}

function checkObject({ nested, isExact = false }: Setting, value: unknown, path: string): Checked<unknown> {
  const settingsClass = nested?.(value);
  if (!settingsClass) return { settings: value, problems: [] };
  if (!isObject(value)) return { settings: value, problems: [{ option: path, problem: 'must be an object' }] };
  const { settings, problems } = check(settingsClass, value, path);
  const known = settingsOf(settingsClass).map(({ option }) => option);
  const unknown = isExact ? Object.keys(value).filter((name) => !known.includes(name)) : [];
  const surplus = unknown.map((name) => ({
    option: at(path, oneLine(name, 60)),
    problem: `is unknown; known are ${known.join(', ')}`,
  }));
  return { settings: { ...value, ...settings }, problems: [...surplus, ...problems] };
}

function at(path: string, option: string): string {
  return path === '' ? option : `${path}.${option}`;
}
