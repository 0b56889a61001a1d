import { Check, Needed, PositiveNumber, WholeNumber } from './checks';
import {
  backendsProblem,
  baseUrlProblem,
  labelsProblem,
  passwordProblem,
  urlProblem,
  usernameProblem,
} from './backend-checks';
import { OptionError } from './option-error';
import { type Given, Setting } from './setting';

/** One ComfyUI server. */
export class BackendSettings {
  /** `http(s)://host[:port][/path prefix]`, without credentials. */
  @Setting()
  @Needed()
  @Check(urlProblem)
  url!: string;

  /** User name for basic auth, on every request and on the socket; both or none. */
  @Setting()
  @Check(usernameProblem)
  username: string = '';

  /** Password for basic auth. */
  @Setting()
  @Check(passwordProblem)
  password: string = '';

  /** Share of the work, relative to the other servers. */
  @Setting()
  @PositiveNumber()
  weight: number = 1;

  /** Prompts that the server runs at once; default: the option `concurrency`. */
  @Setting()
  @WholeNumber(1)
  concurrency?: number;

  /** Labels that a request may require (`"labels": ["sdxl"]`). */
  @Setting()
  @Check(labelsProblem)
  labels: readonly string[] = [];
}

export type BackendOptions = Given<BackendSettings, 'url'>;

/** The ComfyUI servers. */
export class BackendsSettings {
  /** Address of ComfyUI, `http(s)://host[:port][/path prefix]`, or several addresses separated by commas. */
  @Setting('COMFYUI_BASE_URL')
  @Check(baseUrlProblem)
  baseUrl: string = 'http://127.0.0.1:8188';

  /** User name for basic auth, on every request and on the socket; the same for all addresses of `baseUrl`. */
  @Setting('COMFYUI_USERNAME')
  @Check(usernameProblem)
  username: string = '';

  /** Password for basic auth; user name and password go together. */
  @Setting('COMFYUI_PASSWORD')
  @Check(passwordProblem)
  password: string = '';

  /**
   * Instead of `baseUrl`, servers that differ in more than their address: a list of objects with `url` and, optionally,
   * `username`, `password`, `weight`, `concurrency` and `labels`. The variable holds it as JSON on one line:
   * `[{"url":"http://gpu-1:8188","weight":2,"labels":["sdxl"]}]`.
   */
  @Setting('COMFYUI_BACKENDS', { nested: () => BackendSettings, isExact: true, json: '[{"url":"http://gpu-1:8188"}]' })
  @Check(backendsProblem)
  backends?: readonly BackendOptions[];

  /** Prompts that a server runs at once. ComfyUI runs one. */
  @Setting('COMFYUI_CONCURRENCY')
  @WholeNumber(1)
  concurrency: number = 1;

  /** Prompts that a server has in its queue beside those that it runs, so that the next one starts without a pause. */
  @Setting('COMFYUI_PREFETCH')
  @WholeNumber(0)
  prefetch: number = 1;

  /** Seconds in which a connection to ComfyUI must open. */
  @Setting('COMFYUI_CONNECT_TIMEOUT_SECONDS')
  @PositiveNumber('of seconds')
  connectTimeout: number = 5;

  /** Seconds that ComfyUI may be silent within a response. */
  @Setting('COMFYUI_RESPONSE_TIMEOUT_SECONDS')
  @PositiveNumber('of seconds')
  responseTimeout: number = 30;
}

export interface ResolvedBackend {
  /** Without credentials and without a slash at the end. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly weight: number;
  readonly concurrency: number;
  readonly labels: readonly string[];
}

type Addresses = Pick<BackendsSettings, 'baseUrl' | 'username' | 'password' | 'backends' | 'concurrency'>;

/**
 * The servers of checked settings, from `baseUrl` or from `backends`.
 * @throws OptionError for an address that occurs twice
 */
export function resolveBackends(settings: Addresses): ResolvedBackend[] {
  const { baseUrl, backends, concurrency, username, password } = settings;
  const given: readonly BackendOptions[] =
    backends ?? baseUrl.split(',').map((url) => ({ url: url.trim(), username, password }));
  const resolved = given.map(({ url, weight = 1, labels = [], ...backend }) => ({
    url: normalized(url),
    credentials: credentialsOf(backend),
    weight,
    concurrency: backend.concurrency ?? concurrency,
    labels: labels.map((label) => label.trim()),
  }));
  const repeated = resolved.findIndex(({ url }, index) => resolved.findIndex((other) => other.url === url) < index);
  if (repeated < 0) return resolved;
  const option = backends ? `backends[${repeated}].url` : 'baseUrl';
  throw new OptionError([{ option, problem: `repeats ${resolved[repeated]?.url}` }]);
}

function credentialsOf({ username = '', password = '' }: Partial<BackendSettings>): ResolvedBackend['credentials'] {
  return username === '' ? undefined : { username, password };
}

function normalized(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`.replace(/\/+$/, '');
}
