import { parseArgs } from 'node:util';
import { settingsOf } from '../options/setting';
import { ALL_SETTINGS, type SettingsGroup } from '../options/settings';

interface Flag {
  readonly name: string;
  readonly variable: string;
  readonly defaultValue: unknown;
}

const FLAGS = ALL_SETTINGS.flatMap(flagsOf);

export const USAGE = `Usage: npm start -- [options]

${FLAGS.map(({ name, variable, defaultValue }) => line(`--${name} VALUE`, `${variable} (default ${String(defaultValue)})`)).join('\n')}
${line('--help', 'this text')}

An option sets the environment variable beside it. .env.example documents this variable and all others, which are set in the
environment or in .env.`;

/**
 * The options of the command line as the environment variables that they set; they win over the environment.
 * @throws TypeError for an unknown option
 */
export function readCommandLine(args: readonly string[]): Record<string, string> | 'help' {
  const flags = Object.fromEntries(FLAGS.map(({ name }) => [name, { type: 'string' as const }]));
  const { values } = parseArgs({ args: [...args], options: { ...flags, help: { type: 'boolean', short: 'h' } } });
  if (values.help) return 'help';
  const given = new Map(Object.entries(values));
  return Object.fromEntries(
    FLAGS.flatMap(({ name, variable }) => (given.has(name) ? [[variable, String(given.get(name))]] : [])),
  );
}

function flagsOf({ settings }: SettingsGroup): Flag[] {
  const defaults = new Map(Object.entries(new settings()));
  return settingsOf(settings).flatMap(({ flag: name, variable, option }) =>
    name === undefined || variable === undefined ? [] : [{ name, variable, defaultValue: defaults.get(option) }],
  );
}

function line(option: string, text: string): string {
  return `  ${option.padEnd(18)} ${text}`;
}
