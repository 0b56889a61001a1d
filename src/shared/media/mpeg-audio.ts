import type { FileWindow } from './file-window';
import { afterId3 } from './sound';

interface Frame {
  readonly bytes: number;
  readonly samples: number;
  /** Hertz. */
  readonly rate: number;
}

interface FrameKind {
  readonly headerBytes: number;
  readonly parse: (bytes: Buffer) => Frame | undefined;
}

/** Junk between a tag and the first frame. */
const SEARCHED_BYTES = 4 * 1024;
/** Constant bit rates need one frame, others an average over some seconds. */
const MEASURED_BYTES = 64 * 1024;
const RATES = [44_100, 48_000, 32_000];
/** kbit/s by index; ISO/IEC 11172-3, 13818-3. */
const BIT_RATES = {
  layer2: [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384],
  layer3: [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320],
  half: [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160],
};
const ADTS_RATES = [
  96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350,
];

const MPEG: FrameKind = { headerBytes: 4, parse: mpegFrame };
const ADTS: FrameKind = { headerBytes: 6, parse: adtsFrame };

/** Null: these are no frames, whatever their first two bytes look like. */
export function mp3Seconds(window: FileWindow): Promise<number | null> {
  return framesSeconds(window, MPEG);
}

export function aacSeconds(window: FileWindow): Promise<number | null> {
  return framesSeconds(window, ADTS);
}

async function framesSeconds(window: FileWindow, kind: FrameKind): Promise<number | null> {
  const start = await afterId3(window);
  const bytes = await window.at(start, MEASURED_BYTES);
  const first = firstFrame(bytes, kind, start + bytes.length === window.sizeBytes);
  if (!first) return null;
  const { frame, offset } = first;
  const counted = kind === MPEG ? countedFrames(bytes.subarray(offset, offset + frame.bytes)) : null;
  const soundBytes = window.sizeBytes - start - offset;
  const frames = counted ?? soundBytes / averageBytes(bytes, offset, kind);
  return (frames * frame.samples) / frame.rate;
}

/** Two in a row: one alone is found in anything. */
function firstFrame(bytes: Buffer, kind: FrameKind, isWhole: boolean): { frame: Frame; offset: number } | undefined {
  for (let offset = 0; offset < Math.min(bytes.length, SEARCHED_BYTES); offset++) {
    const frame = frameAt(bytes, offset, kind);
    if (!frame) continue;
    const next = offset + frame.bytes;
    if (frameAt(bytes, next, kind) || (isWhole && offset === 0 && next === bytes.length)) return { frame, offset };
  }
  return undefined;
}

function averageBytes(bytes: Buffer, offset: number, kind: FrameKind): number {
  let frames = 0;
  let position = offset;
  for (let frame = frameAt(bytes, position, kind); frame; frame = frameAt(bytes, position, kind)) {
    frames++;
    position += frame.bytes;
  }
  return (position - offset) / frames;
}

function frameAt(bytes: Buffer, offset: number, { headerBytes, parse }: FrameKind): Frame | undefined {
  if (bytes[offset] !== 0xff || offset + headerBytes > bytes.length) return undefined;
  const frame = parse(bytes.subarray(offset, offset + headerBytes));
  return frame && frame.bytes > headerBytes ? frame : undefined;
}

function mpegFrame(header: Buffer): Frame | undefined {
  const [sync = 0, rates = 0] = [header[1], header[2]];
  const version = (sync >> 3) & 3;
  const layer = 4 - ((sync >> 1) & 3);
  const baseRate = RATES[(rates >> 2) & 3];
  if (sync < 0xe0 || version === 1 || layer < 2 || layer > 3 || !baseRate) return undefined;
  const isFull = version === 3;
  const rate = isFull ? baseRate : baseRate / (version === 2 ? 2 : 4);
  const bitRate = BIT_RATES[isFull ? (layer === 2 ? 'layer2' : 'layer3') : 'half'][rates >> 4];
  const samples = layer === 3 && !isFull ? 576 : 1152;
  return bitRate
    ? { bytes: Math.floor((samples * bitRate * 125) / rate) + ((rates >> 1) & 1), samples, rate }
    : undefined;
}

function adtsFrame(header: Buffer): Frame | undefined {
  const rate = ADTS_RATES[(header.readUInt8(2) >> 2) & 15];
  if ((header.readUInt8(1) & 0xf6) !== 0xf0 || rate === undefined) return undefined;
  return { bytes: (header.readUIntBE(3, 3) >> 5) & 0x1fff, samples: 1024, rate };
}

/** Encoders of a variable bit rate write the number of frames into a first, silent one. */
function countedFrames(frame: Buffer): number | null {
  const xing = Math.max(frame.indexOf('Xing'), frame.indexOf('Info'));
  if (xing >= 0 && xing + 12 <= frame.length && (frame.readUInt32BE(xing + 4) & 1) === 1) {
    return frame.readUInt32BE(xing + 8);
  }
  const vbri = frame.indexOf('VBRI');
  return vbri >= 0 && vbri + 18 <= frame.length ? frame.readUInt32BE(vbri + 14) : null;
}
