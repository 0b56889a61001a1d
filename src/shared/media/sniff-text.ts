import type { MediaHint } from './media-facts';

const HTML = 'text/html';
const SVG = 'image/svg+xml';
/** No text has these; a terminal's escape is let through for logs. */
const BINARY = new RegExp(String.raw`[\0-\x08\x0e-\x1a\x1c-\x1f]`);
const MOST_JSON_TO_PARSE = 64 * 1024;

/** What browsers take for HTML (https://mimesniff.spec.whatwg.org, section 7.1), and every other name that they know. */
const HTML_START =
  /^<(?:!--|(?:!doctype\s+html|html|head|body|script|iframe|h[1-6]|div|font|table|a|style|title|base|link|meta|template|frameset|form|button|input|img|video|audio|object|embed|section|main|article|math|span|center|b|i|u|pre|ul|ol|li|br|p)(?:[\s/>]|$))/i;
const XML_START = /^<(?:\?xml\s|!doctype\s|[a-z_][\w.-]*(?::[a-z_][\w.-]*)?(?:\s+[\w:.-]+\s*=\s*["']|\s*\/?>))/i;
const XML_PREAMBLE = /^(?:<\?[^>]*\?>|<!--.*?-->|\s+)/s;
/** JSON that goes on after the head: as much of its shape as a text of another kind is unlikely to have. */
const JSON_START = /^(?:\{\s*"(?:[^"\\]|\\.)*"\s*:|\[\s*(?:[[{"]|-?\d[\d.eE+-]*\s*,))/;

const BY_START: readonly (readonly [RegExp, string])[] = [
  [/^%PDF-/, 'application/pdf'],
  [/^\{\\rtf/, 'application/rtf'],
  [/^%!PS/, 'application/postscript'],
  [/^WEBVTT\b/, 'text/vtt'],
  [/^#EXTM3U\b/, 'application/vnd.apple.mpegurl'],
  [/^ply\r?\nformat /, 'model/ply'],
  [/^solid\b[^\n]*\n\s*(?:facet\s+normal|endsolid)\b/i, 'model/stl'],
  [/^#usda \d/, 'model/vnd.usda'],
];
/** Plain text by its bytes. What a browser would run - scripts, style sheets - is not on the list on purpose. */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  md: 'text/markdown',
  srt: 'application/x-subrip',
  obj: 'model/obj',
  mtl: 'model/mtl',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  jsonl: 'application/x-ndjson',
  ndjson: 'application/x-ndjson',
};
const TIES = new Set(Object.values(BY_EXTENSION));

/**
 * The text in the first bytes of a file, undefined when it is none: UTF-8 without control characters, or UTF-16 with
 * its byte order mark. A character that the head cuts in two is left out.
 */
export function textOf(head: Buffer): string | undefined {
  const isUtf16 = (head[0] === 0xff && head[1] === 0xfe) || (head[0] === 0xfe && head[1] === 0xff);
  try {
    const encoding = isUtf16 ? (head[0] === 0xff ? 'utf-16le' : 'utf-16be') : 'utf-8';
    const text = new TextDecoder(encoding, { fatal: true }).decode(head, { stream: true });
    return text === '' || BINARY.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** HTML, SVG and other XML by their first tag, after white space and comments; undefined for anything else. */
export function markupType(text: string): string | undefined {
  const start = text.search(/\S/);
  if (text[start] !== '<') return undefined;
  const content = withoutPreamble(text.slice(start));
  if (/^<(?:!doctype\s+)?(?:[\w.-]+:)?svg\b/i.test(content)) return SVG;
  if (HTML_START.test(content) || content === '') return HTML;
  if (!XML_START.test(content)) return undefined;
  if (/1999\/xhtml|<(?:html|script)\b/i.test(text)) return HTML;
  return text.includes('www.w3.org/2000/svg') ? SVG : 'application/xml';
}

function withoutPreamble(text: string): string {
  let content = text;
  for (let match = XML_PREAMBLE.exec(content); match; match = XML_PREAMBLE.exec(content)) {
    content = content.slice(match[0].length);
  }
  return content;
}

/** @param isWhole the text is all there is of the file */
export function textType(text: string, isWhole: boolean, hint: MediaHint): string {
  const markup = markupType(text);
  if (markup) return markup;
  const content = text.trimStart();
  if (isJson(content, isWhole)) return extensionOf(hint) === 'gltf' ? 'model/gltf+json' : 'application/json';
  const byStart = BY_START.find(([start]) => start.test(content));
  return byStart?.[1] ?? tie(hint);
}

function tie(hint: MediaHint): string {
  const byName = BY_EXTENSION[extensionOf(hint)];
  if (byName !== undefined) return byName;
  const declared = hint.declared?.split(';')[0]?.trim().toLowerCase() ?? '';
  return TIES.has(declared) ? declared : 'text/plain';
}

function extensionOf({ filename }: MediaHint): string {
  return filename.slice(filename.lastIndexOf('.') + 1).toLowerCase();
}

function isJson(content: string, isWhole: boolean): boolean {
  if (!content.startsWith('{') && !content.startsWith('[')) return false;
  if (!isWhole || content.length > MOST_JSON_TO_PARSE) return JSON_START.test(content);
  try {
    JSON.parse(content);
    return true;
  } catch {
    return false;
  }
}
