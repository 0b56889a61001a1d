import { isObject } from '../shared/json';
import { oneLine } from '../shared/text';
import { OptionError } from './option-error';

/** One ComfyUI server. */
export interface BackendOptions {
  /** `http(s)://host[:port][/path prefix]`. Credentials go into the next two. */
  url: string;
  /** Basic auth on every request and on the socket; both or none. */
  username?: string;
  password?: string;
  /** How much of the work it gets, relative to the others; default 1. */
  weight?: number;
  /** Prompts it runs at once; default: option `concurrency`. */
  concurrency?: number;
  /** What a request may ask for (`"labels": ["sdxl"]`); default none. */
  labels?: readonly string[];
}

export interface ResolvedBackend {
  /** Without credentials and without a slash at the end. */
  readonly url: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  readonly weight: number;
  readonly concurrency: number;
  readonly labels: readonly string[];
}

/** Where the servers stand among the options. */
export interface BackendSource {
  readonly baseUrl?: string;
  readonly username?: string;
  readonly password?: string;
  readonly backends?: readonly BackendOptions[];
}

const FIELDS = ['url', 'username', 'password', 'weight', 'concurrency', 'labels'];

/**
 * The servers, from `baseUrl` (one or several addresses) or from `backends`.
 * @throws OptionError
 */
export function resolveBackends(source: BackendSource, concurrency: number): ResolvedBackend[] {
  const backends =
    source.backends === undefined ? fromAddresses(source, concurrency) : fromList(source, source.backends, concurrency);
  const first = new Map<string, number>();
  backends.forEach(({ url }, index) => {
    const path = source.backends === undefined ? 'baseUrl' : `backends[${index}].url`;
    if (first.has(url)) throw new OptionError(path, `repeats ${url}`);
    first.set(url, index);
  });
  return backends;
}

function fromAddresses({ baseUrl, username, password }: BackendSource, concurrency: number): ResolvedBackend[] {
  if (typeof baseUrl !== 'string')
    throw new OptionError('baseUrl', 'must be text: one address, or several separated by commas');
  const credentials = checkCredentials({ username, password }, '');
  return baseUrl.split(',').map((address) => {
    const url = checkUrl(address.trim(), 'baseUrl', '');
    return { url, credentials, weight: 1, concurrency, labels: [] };
  });
}

function fromList(source: BackendSource, backends: unknown, concurrency: number): ResolvedBackend[] {
  if (!Array.isArray(backends) || backends.length === 0)
    throw new OptionError('backends', 'must be a list of at least one server');
  if (source.baseUrl) throw new OptionError('backends', 'and {baseUrl} are both given: leave one out');
  for (const name of ['username', 'password'] as const)
    if (source[name]) throw new OptionError(name, 'goes with {baseUrl}; in {backends} each server has its own');
  return backends.map((backend, index) => checkBackend(backend, `backends[${index}]`, concurrency));
}

function checkBackend(backend: unknown, path: string, concurrency: number): ResolvedBackend {
  if (!isObject(backend)) throw new OptionError(path, 'must be an object such as { "url": "http://127.0.0.1:8188" }');
  const unknown = Object.keys(backend).find((name) => !FIELDS.includes(name));
  if (unknown !== undefined)
    throw new OptionError(`${path}.${oneLine(unknown, 60)}`, `is no field of a server: ${FIELDS.join(', ')}`);
  return {
    url: checkUrl(backend.url, `${path}.url`, `${path}.`),
    credentials: checkCredentials(backend, `${path}.`),
    weight: checkWeight(backend.weight ?? 1, `${path}.weight`),
    concurrency: checkCount(backend.concurrency ?? concurrency, `${path}.concurrency`),
    labels: checkLabels(backend.labels ?? [], `${path}.labels`),
  };
}

function checkUrl(url: unknown, path: string, prefix: string): string {
  if (typeof url !== 'string' || !URL.canParse(url))
    throw new OptionError(path, 'must be a URL such as http://127.0.0.1:8188');
  const { protocol, username, password, search, hash, origin, pathname } = new URL(url);
  if (protocol !== 'http:' && protocol !== 'https:') throw new OptionError(path, 'must begin with http:// or https://');
  if (username !== '' || password !== '')
    throw new OptionError(path, `must not hold credentials: use {${prefix}username} and {${prefix}password}`);
  if (search !== '' || hash !== '') throw new OptionError(path, 'must not have a query or a fragment');
  return `${origin}${pathname}`.replace(/\/+$/, '');
}

function checkCredentials(given: Record<string, unknown>, prefix: string): ResolvedBackend['credentials'] {
  const { username = '', password = '' } = given;
  for (const [name, value] of Object.entries({ username, password }))
    if (typeof value !== 'string') throw new OptionError(`${prefix}${name}`, 'must be text');
  if (username === '' && password === '') return undefined;
  if (username === '') throw new OptionError(`${prefix}username`, `is missing, while {${prefix}password} is given`);
  if (password === '') throw new OptionError(`${prefix}password`, `is missing, while {${prefix}username} is given`);
  if (String(username).includes(':'))
    throw new OptionError(`${prefix}username`, 'must not contain a colon: basic auth can not carry it');
  return { username: String(username), password: String(password) };
}

function checkWeight(weight: unknown, path: string): number {
  if (typeof weight === 'number' && Number.isFinite(weight) && weight > 0) return weight;
  throw new OptionError(path, 'must be a number above 0');
}

function checkCount(count: unknown, path: string): number {
  if (Number.isSafeInteger(count) && Number(count) >= 1) return Number(count);
  throw new OptionError(path, 'must be a whole number, 1 or more');
}

function checkLabels(labels: unknown, path: string): string[] {
  if (Array.isArray(labels) && labels.every((label) => typeof label === 'string' && label.trim() !== ''))
    return labels.map((label: string) => label.trim());
  throw new OptionError(path, 'must be a list of texts such as ["sdxl"]');
}
