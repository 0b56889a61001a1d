/** The checks of `baseUrl`, `backends` and the fields of a server: the problem of a value, if it has one. */

interface Servers {
  readonly baseUrl: string;
  readonly backends?: unknown;
}

interface Credentials {
  readonly username: string;
  readonly password: string;
  /** Each server in the list has credentials of its own. */
  readonly backends?: unknown;
}

export function backendsProblem(backends: unknown, { baseUrl }: Servers): string | undefined {
  if (!Array.isArray(backends) || backends.length === 0) return 'must be a list of at least one server';
  return baseUrl === '' ? undefined : 'and {baseUrl} are both given: leave one out';
}

export function baseUrlProblem(baseUrl: unknown, { backends }: Servers): string | undefined {
  if (typeof baseUrl !== 'string') return 'must be text: one address, or several separated by commas';
  if (baseUrl === '' && backends !== undefined) return undefined;
  const problems = baseUrl.split(',').map((url) => urlProblem(url.trim()));
  return problems.find((problem) => problem !== undefined);
}

export function urlProblem(text: unknown): string | undefined {
  if (typeof text !== 'string' || !URL.canParse(text)) return 'must be a URL such as http://127.0.0.1:8188';
  const { protocol, username, password, search, hash } = new URL(text);
  if (protocol !== 'http:' && protocol !== 'https:') return 'must begin with http:// or https://';
  if (username !== '' || password !== '') return 'must not contain credentials: use {username} and {password}';
  return search === '' && hash === '' ? undefined : 'must not have a query or a fragment';
}

export function usernameProblem(username: unknown, { password, backends }: Credentials): string | undefined {
  if (typeof username !== 'string') return 'must be text';
  if (username === '') return password === '' || backends ? undefined : 'is missing, while {password} is set';
  if (backends) return 'goes with {baseUrl}; in {backends} each server has its own';
  return username.includes(':') ? 'must not contain a colon: basic auth cannot carry it' : undefined;
}

export function passwordProblem(password: unknown, { username, backends }: Credentials): string | undefined {
  if (typeof password !== 'string') return 'must be text';
  if (password === '') return username === '' || backends ? undefined : 'is missing, while {username} is set';
  return backends ? 'goes with {baseUrl}; in {backends} each server has its own' : undefined;
}

export function labelsProblem(labels: unknown): string | undefined {
  const areTexts = Array.isArray(labels) && labels.every((label) => typeof label === 'string' && label.trim() !== '');
  return areTexts ? undefined : 'must be a list of texts such as ["sdxl"]';
}
