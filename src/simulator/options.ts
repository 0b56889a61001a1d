import { Speed } from './simulated-clock';

/** `0.3.64` is the recorded version; `0.38` adds /api/jobs, `create_time`, `missing_node_type` and strict prompt ids. */
export type Protocol = '0.3.64' | '0.38';

export interface SimulatorOptions {
  /** 0, the default, selects a free port. */
  port?: number;
  /** Default `127.0.0.1`. */
  host?: string;
  /** Default 1: twenty sampler steps take about four seconds. */
  speed?: Speed;
  /** Without these credentials the answer is 401, like a reverse proxy's, also on WebSocket upgrades. */
  basicAuth?: { username: string; password: string };
  /** The folder of `input`, `output` and `temp`. Default: a new temporary folder that `close()` removes. */
  directory?: string;
  /** Sampler previews, like `--preview-method auto`. Default: on, unless the speed is `'instant'`. */
  previews?: boolean;
  protocol?: Protocol;
  /** Serves everything below a path, as behind a reverse proxy: `/comfy`. */
  pathPrefix?: string;
  /** Number of concurrent prompts. ComfyUI has one worker; more are for benchmarks. */
  concurrency?: number;
  /** Largest request body in bytes. Default 100 MiB, like `--max-upload-size 100`. */
  maxUploadSize?: number;
  /** The choices of `CheckpointLoaderSimple`. */
  checkpoints?: string[];
  /** The choices of `LoraLoader`. */
  loras?: string[];
  /** Node classes that count as unknown, as if their pack were not installed. */
  missingNodes?: string[];
}

export type Settings = Required<Omit<SimulatorOptions, 'basicAuth' | 'directory'>> &
  Pick<SimulatorOptions, 'basicAuth'> & { directory: string };

const DEFAULT_CHECKPOINT = 'v1-5-pruned-emaonly.safetensors';

const normalisePrefix = (prefix: string): string => {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  return trimmed === '' ? '' : `/${trimmed}`;
};

export function resolveOptions(options: SimulatorOptions, directory: string): Settings {
  const speed = options.speed ?? 1;
  return {
    port: options.port ?? 0,
    host: options.host ?? '127.0.0.1',
    speed,
    basicAuth: options.basicAuth,
    directory,
    previews: options.previews ?? !(speed === 'instant' || speed <= 0),
    protocol: options.protocol ?? '0.3.64',
    pathPrefix: normalisePrefix(options.pathPrefix ?? ''),
    concurrency: options.concurrency ?? 1,
    maxUploadSize: options.maxUploadSize ?? 100 * 1024 * 1024,
    checkpoints: options.checkpoints ?? [DEFAULT_CHECKPOINT],
    loras: options.loras ?? [],
    missingNodes: options.missingNodes ?? [],
  };
}
