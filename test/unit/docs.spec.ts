import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { ComfyUIError, ERROR_CODES } from '../../src/domain/errors';
import { toErrorBody } from '../../src/presentation/shared/errors/http-exceptions';

const ROOT = resolve(__dirname, '../..');
const PAGES = [
  ...readdirSync(ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
].map((name) => join(ROOT, name));

const CODE = /```[\s\S]*?```|`[^`\n]*`/g;
const LINK = /\]\(([^)\s]+)\)/g;
const ROW = /^\| (\d{3}) +\| `(\w+)`/gm;

/** Targets of the links on a page, without those to other sites. */
function internalLinks(page: string): string[] {
  const text = readFileSync(page, 'utf8').replaceAll(CODE, '');
  return [...text.matchAll(LINK)].flatMap(([, target = '']) => (/^\w+:/.test(target) ? [] : [target]));
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(page, 'utf8').matchAll(/^#{1,6} (.+)$/gm);
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .trim()
      .replaceAll(/\s/g, '-'),
  );
}

function isBroken(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#');
  const file = path === '' ? page : resolve(dirname(page), path);
  if (!existsSync(file)) return true;
  return anchor !== undefined && !anchorsOf(file).includes(anchor);
}

describe('the documentation', () => {
  it('lists every error code once, with its HTTP status', () => {
    const rows = readFileSync(join(ROOT, 'docs/errors.md'), 'utf8').matchAll(ROW);
    const documented = [...rows].map(([, status, code]) => `${status} ${code}`);
    const mapped = ERROR_CODES.map((code) => `${toErrorBody(new ComfyUIError(code, '')).statusCode} ${code}`);
    expect(documented.sort()).toEqual(mapped.sort());
  });

  it.each(PAGES.map((page) => relative(ROOT, page)))('%s links only to pages and headings that exist', (name) => {
    const page = join(ROOT, name);
    expect(internalLinks(page).filter((target) => isBroken(page, target))).toEqual([]);
  });

  it('keeps the README within 200 lines', () => {
    expect(readFileSync(join(ROOT, 'README.md'), 'utf8').trimEnd().split('\n').length).toBeLessThanOrEqual(200);
  });
});
