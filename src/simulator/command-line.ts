import { parseArgs } from 'node:util';
import { Simulator, startSimulator } from './simulator';

/** As ComfyUI's. */
const DEFAULT_PORT = 8188;

export const USAGE = `A stand-in for a ComfyUI server.

  --port <number>            default 8188; 0 selects a free one
  --host <address>           default 127.0.0.1
  --speed <factor>           default 1; 10 is ten times faster, 0 or "instant" never waits
  --basic-auth <user:pass>   requires these credentials, like a proxy in front of ComfyUI
  --directory <path>         folder of input, output and temp; default: a temporary folder
  --path-prefix <path>       serves everything below a path
  --protocol <version>       0.3.64 (default) or 0.38
  --concurrency <number>     concurrent prompts, default 1
  --no-previews              sends no preview images while sampling
  --help
`;

function readArguments(args: string[]): Record<string, string | boolean | undefined> {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args,
    options: {
      port: text,
      host: text,
      speed: text,
      'basic-auth': text,
      directory: text,
      'path-prefix': text,
      protocol: text,
      concurrency: text,
      'no-previews': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  return values;
}

function number(name: string, value: string | boolean | undefined): number | undefined {
  if (value === undefined) return undefined;
  const parsed = Number(value);
  if (!Number.isFinite(parsed) || parsed < 0) throw new Error(`--${name} must be a number, not ${String(value)}`);
  return parsed;
}

function credentials(value: string | boolean | undefined): { username: string; password: string } | undefined {
  if (value === undefined) return undefined;
  const [username = '', password] = String(value).split(/:(.*)/s);
  if (username === '' || password === undefined) throw new Error('--basic-auth must be user:password');
  return { username, password };
}

const optionalText = (value: string | boolean | undefined): string | undefined =>
  value === undefined ? undefined : String(value);

/** Starts a simulator with the options of the command line; undefined for `--help`. Throws on invalid arguments. */
export async function startFromArguments(words: string[]): Promise<Simulator | undefined> {
  const args = readArguments(words);
  if (args['help'] === true) return undefined;
  const protocol = args['protocol'] ?? '0.3.64';
  if (protocol !== '0.3.64' && protocol !== '0.38') throw new Error('--protocol must be 0.3.64 or 0.38');
  return startSimulator({
    port: number('port', args['port']) ?? DEFAULT_PORT,
    host: optionalText(args['host']),
    speed: args['speed'] === 'instant' ? 'instant' : number('speed', args['speed']),
    basicAuth: credentials(args['basic-auth']),
    directory: optionalText(args['directory']),
    pathPrefix: optionalText(args['path-prefix']),
    protocol,
    concurrency: number('concurrency', args['concurrency']),
    previews: args['no-previews'] === true ? false : undefined,
  });
}
