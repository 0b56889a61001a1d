import { Received } from './raw-client';

const UUID = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;
const COUNTER = /_\d{5,}_\.png$/;
const TEMP_TAG = /ComfyUI_temp_[a-z]{5}_/;

/** Python sets, or lists in an unspecified order. */
const UNORDERED = new Set(['executed', 'current_outputs', 'nodes', 'dependent_outputs']);

/** Fields that depend on the machine. */
const OPAQUE = new Set(['traceback', 'timestamp', 'tooltip', 'prompt']);

function normaliseText(text: string): string {
  return text.replace(UUID, '<id>').replace(COUNTER, '_<n>_.png').replace(TEMP_TAG, 'ComfyUI_temp_<tag>_');
}

function normaliseMember(key: string, value: unknown): unknown {
  if (OPAQUE.has(key)) return key === 'timestamp' ? typeof value : `<${key}>`;
  if (UNORDERED.has(key) && Array.isArray(value)) return sortedByText(value.map(normalise));
  if (key === 'errors' && Array.isArray(value)) return sortedByText(value.map(normalise));
  if (key === 'current_inputs') return Array.isArray(value) ? value : '<values by input>';
  return normalise(value);
}

const sortedByText = (values: unknown[]): unknown[] =>
  values.sort((a, b) => JSON.stringify(a).localeCompare(JSON.stringify(b)));

/** The same value without the parts that differ between runs: ids, times, file numbers, traces, the order of sets. */
export function normalise(value: unknown): unknown {
  if (typeof value === 'string') return normaliseText(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([key]) => key !== 'tooltip');
  return Object.fromEntries(members.map(([key, member]) => [normaliseText(key), normaliseMember(key, member)]));
}

const JPEG = Buffer.from('ffd8ff', 'hex');
const WITH_METADATA = 4;
const TEXT = 3;

/** The type of a binary frame, without its image. A recorded frame may be truncated before the image. */
export function describeBinary(frame: Buffer): unknown {
  const type = frame.readUInt32BE(0);
  const second = frame.readUInt32BE(4);
  if (type === TEXT) return { binary: type, node: frame.subarray(8, 8 + second).toString() };
  const picture = frame.subarray(type === WITH_METADATA ? 8 + second : 8).subarray(0, JPEG.length);
  const isJpeg = picture.length < JPEG.length || picture.equals(JPEG);
  return type === WITH_METADATA ? { binary: type, isJpeg } : { binary: type, format: second, isJpeg };
}

/** The JSON metadata of a preview with ids. */
export function previewMetadata(frame: Buffer): unknown {
  return JSON.parse(frame.subarray(8, 8 + frame.readUInt32BE(4)).toString());
}

export const normaliseMessage = (message: Received): unknown =>
  Buffer.isBuffer(message) ? describeBinary(message) : normalise(message);
