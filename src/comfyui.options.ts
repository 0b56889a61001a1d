/** How to reach ComfyUI, and how to treat what comes from it. Times in seconds, sizes in bytes. */
export interface ComfyUIOptions {
  /** `http(s)://host[:port][/path prefix]`; default `http://127.0.0.1:8188`. Credentials go into the next two. */
  baseUrl?: string;
  /** Basic auth on every request and on the socket; both or none. */
  username?: string;
  password?: string;
  /** How long a connection may take to open; default 5. */
  connectTimeout?: number;
  /** How long ComfyUI may be silent within an answer; default 30. */
  responseTimeout?: number;
  /** How long `POST /generate` waits when the caller does not say; default 300. */
  generateTimeout?: number;
  /** Where large files wait for the caller; default: the system's folder for temporary files. */
  spoolDirectory?: string;
  /** How much memory small files may take together before they go to disk; default 32 MiB. */
  spoolMemory?: number;
}

/** Known when the module is declared, even with `forRootAsync`. */
export interface ComfyUIModuleExtras {
  /** Adds the HTTP endpoints to the host application; default false. Needs class-validator, class-transformer and @nestjs/swagger. */
  controllers?: boolean;
  /** Makes the providers visible everywhere; default false. */
  isGlobal?: boolean;
}

export type ResolvedComfyUIOptions = Required<Omit<ComfyUIOptions, 'username' | 'password' | 'spoolDirectory'>> & {
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly spoolDirectory?: string;
};

/** The options as checked and completed by {@link resolveOptions}; the injection token of {@link ResolvedComfyUIOptions}. */
export const RESOLVED_OPTIONS = Symbol('ResolvedComfyUIOptions');

export const DEFAULT_OPTIONS = {
  baseUrl: 'http://127.0.0.1:8188',
  connectTimeout: 5,
  responseTimeout: 30,
  generateTimeout: 300,
  spoolMemory: 32 * 1024 * 1024,
} as const satisfies ComfyUIOptions;

/**
 * Checks the options and fills in the defaults.
 * @throws Error that names the option, and never tells a credential
 */
export function resolveOptions(options: ComfyUIOptions): ResolvedComfyUIOptions {
  const { username, password, spoolDirectory, ...rest } = withoutUndefined(options);
  const resolved = { ...DEFAULT_OPTIONS, ...rest };
  for (const name of ['connectTimeout', 'responseTimeout', 'generateTimeout'] as const)
    requirePositive(name, resolved[name]);
  if (!Number.isFinite(resolved.spoolMemory) || resolved.spoolMemory < 0)
    fail('spoolMemory', 'must be a number of bytes, 0 or more');
  return {
    ...resolved,
    baseUrl: checkBaseUrl(resolved.baseUrl),
    credentials: checkCredentials(username, password),
    spoolDirectory,
  };
}

function checkBaseUrl(baseUrl: unknown): string {
  if (typeof baseUrl !== 'string' || !URL.canParse(baseUrl))
    fail('baseUrl', 'must be a URL such as http://127.0.0.1:8188');
  const url = new URL(baseUrl);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') fail('baseUrl', 'must begin with http:// or https://');
  if (url.username !== '' || url.password !== '')
    fail('baseUrl', 'must not hold credentials: use username and password');
  if (url.search !== '' || url.hash !== '') fail('baseUrl', 'must not have a query or a fragment');
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

function checkCredentials(username = '', password = ''): ResolvedComfyUIOptions['credentials'] {
  if (username === '' && password === '') return undefined;
  if (username === '') fail('username', 'is missing, while a password is given');
  if (password === '') fail('password', 'is missing, while a username is given');
  if (username.includes(':')) fail('username', 'must not contain a colon: basic auth can not carry it');
  return { username, password };
}

function requirePositive(name: string, value: unknown): void {
  if (typeof value !== 'number' || !Number.isFinite(value) || value <= 0)
    fail(name, 'must be a number of seconds above 0');
}

function fail(option: string, what: string): never {
  throw new Error(`ComfyUIModule: option ${option} ${what}.`);
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
