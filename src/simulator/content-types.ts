import { extname } from 'node:path';

const TYPES: Record<string, string> = {
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
  '.gif': 'image/gif',
  '.bmp': 'image/bmp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.avif': 'image/avif',
  '.svg': 'image/svg+xml',
  '.mp4': 'video/mp4',
  '.webm': 'video/webm',
  '.mov': 'video/quicktime',
  '.mkv': 'video/x-matroska',
  '.mp3': 'audio/mpeg',
  '.wav': 'audio/x-wav',
  '.flac': 'audio/x-flac',
  '.ogg': 'audio/ogg',
  '.opus': 'audio/ogg',
  '.glb': 'model/gltf-binary',
  '.json': 'application/json',
  '.txt': 'text/plain',
  '.csv': 'text/csv',
  '.html': 'text/html',
  '.htm': 'text/html',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.xhtml': 'application/xhtml+xml',
  '.zip': 'application/zip',
  '.pdf': 'application/pdf',
};

const FALLBACK = 'application/octet-stream';

/** Types that a browser would execute: served as a download. */
const ACTIVE = new Set(['text/html', 'application/xhtml+xml', 'text/javascript', 'text/css']);

export const contentType = (filename: string): string => TYPES[extname(filename).toLowerCase()] ?? FALLBACK;

export function servedContentType(filename: string): string {
  const type = contentType(filename);
  return ACTIVE.has(type) ? FALLBACK : type;
}
