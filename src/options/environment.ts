import { OptionError } from './option-error';
import { resolve, type Values } from './resolve';
import { type Given, type Setting, type SettingsClass, settingsOf } from './setting';

/**
 * Reads the variables of a class of settings, unchecked. Empty variables count as not set.
 * @throws OptionError for a variable that must be JSON and is not
 */
export function readEnvironment<T extends object>(settingsClass: SettingsClass<T>): Given<T> {
  const entries = settingsOf(settingsClass).map((setting) => {
    const text = (setting.variable && process.env[setting.variable]) || setting.serviceDefault;
    return [setting.option, text === undefined ? undefined : parseText(setting, text)] as const;
  });
  return Object.fromEntries(entries) as Given<T>;
}

/**
 * Reads, checks and completes settings of the service alone.
 * @throws Error that names each wrong variable, without its value
 */
export function serviceSettings<T extends object>(settingsClass: SettingsClass<T>): Values<T> {
  return inVariables(variablesOf(settingsClass), () => resolve(settingsClass, readEnvironment(settingsClass)));
}

/** Which variable sets which option. */
export type Variables = ReadonlyMap<string, string>;

/** @param path where the object of these settings stands among the options of the module */
export function variablesOf(settingsClass: SettingsClass, path = ''): Variables {
  const prefix = path === '' ? '' : `${path}.`;
  return new Map(
    settingsOf(settingsClass).flatMap(({ option, variable }) =>
      variable === undefined ? [] : [[`${prefix}${option}`, variable]],
    ),
  );
}

/**
 * Runs a check of options that came from the environment.
 * @throws Error that names the variables instead of the options
 */
export function inVariables<T>(variables: Variables, act: () => T): T {
  // `backends[0].url` is `COMFYUI_BACKENDS[0].url`.
  const nameOf = (path: string) =>
    variables.get(path) ?? path.replace(/^\w+/, (option) => variables.get(option) ?? option);
  try {
    return act();
  } catch (error) {
    throw error instanceof OptionError ? new Error(`Configuration: ${error.messageWith(nameOf)}`) : error;
  }
}

/** What is no number or boolean is left to the checks. */
function parseText(setting: Setting, text: string): unknown {
  if (setting.json !== undefined) return parseJson(setting, setting.json, text);
  if (setting.type === 'number') return toNumber(Number(text), setting.factor);
  if (setting.type === 'boolean' && /^(true|false)$/.test(text)) return text === 'true';
  return text;
}

function toNumber(value: number, factor: number | undefined): number {
  return factor === undefined ? value : Math.floor(value * factor);
}

/** The text may contain passwords: the error contains only the position. */
function parseJson({ option }: Setting, example: string, text: string): unknown {
  let message: string;
  try {
    return JSON.parse(text);
  } catch (error) {
    message = String(error);
  }
  const [position] = /\bposition \d+/.exec(message) ?? [];
  const where = position === undefined ? '' : `; this one is invalid at ${position}`;
  throw new OptionError([{ option, problem: `must be JSON such as ${example}${where}` }]);
}
