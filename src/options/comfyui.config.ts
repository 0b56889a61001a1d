import { registerAs } from '@nestjs/config';
import { type BackendOptions, type ComfyUIOptions, resolveOptions } from './comfyui.options';
import { OptionError } from './option-error';
import { ComfyUIEnvironment, VARIABLES } from './comfyui.environment';
import { readEnvironment } from './environment';
import { readStorage, readTable } from './storage.environment';

const MIB = 1024 * 1024;

/** Which ComfyUI servers there are, where jobs are kept, and how long anything may take; checked here, to name the variables. */
export const comfyUIConfig = registerAs('comfyui', (): ComfyUIOptions => {
  const env = readEnvironment(ComfyUIEnvironment);
  const asSet = Object.entries(VARIABLES).map(([option, variable]) => [option, env[variable]] as const);
  const options: ComfyUIOptions = {
    ...Object.fromEntries(asSet),
    backends: readBackends(env.COMFYUI_BACKENDS),
    spoolMemory: env.SPOOL_MEMORY_MIB === undefined ? undefined : env.SPOOL_MEMORY_MIB * MIB,
    dataDirectory: env.DATA_DIR ?? './data',
    storage: readStorage(env),
    supabaseTable: readTable(env),
  };
  checkOptions(options);
  return options;
});

/** The text may hold passwords: of what is wrong with it, only the place is told. */
function readBackends(json: string | undefined): BackendOptions[] | undefined {
  if (json === undefined) return undefined;
  let complaint: string;
  try {
    return JSON.parse(json) as BackendOptions[];
  } catch (error) {
    complaint = String(error);
  }
  const [place] = /\bposition \d+/.exec(complaint) ?? [];
  const where = place === undefined ? '' : `; this one breaks off at ${place}`;
  throw new Error(`Configuration: COMFYUI_BACKENDS must be JSON such as [{"url":"http://gpu-1:8188"}]${where}.`);
}

function checkOptions(options: ComfyUIOptions): void {
  try {
    resolveOptions(options);
  } catch (error) {
    throw error instanceof OptionError ? new Error(`Configuration: ${error.told(inTheEnvironment)}`) : error;
  }
}

/** `backends[0].url` is `COMFYUI_BACKENDS[0].url`. */
function inTheEnvironment(option: string): string {
  return option.replace(/^\w+/, (name) => VARIABLES[name as keyof ComfyUIOptions] ?? name);
}
