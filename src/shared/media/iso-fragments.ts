import type { FileWindow } from './file-window';
import { type Box, boxes, boxIn } from './iso-boxes';

interface FragmentedTrack {
  readonly trackId: number;
  readonly moov: Box;
  /** `mvex`, with a default for each track. */
  readonly extension: Box;
}

/** Flags of `tfhd` and `trun` (ISO/IEC 14496-12, sections 8.8.7 and 8.8.8): which fields there are. */
const HAS_OFFSET = 1;
const HAS_DESCRIPTION = 2;
const HAS_FIRST_SAMPLE_FLAGS = 4;
const HAS_DEFAULT_DURATION = 8;
const HAS_DURATION = 0x100;
const SAMPLE_FIELDS = [0x100, 0x200, 0x400, 0x800];

/** The duration of a track whose samples are in fragments; NaN where there are more of these than may be read. */
export async function fragmentTicks(window: FileWindow, track: FragmentedTrack): Promise<number> {
  const byDefault = await defaultDuration(window, track);
  let ticks = 0;
  for await (const box of boxes(window, { start: track.moov.end, end: window.sizeBytes })) {
    if (box.type !== 'moof') continue;
    for await (const fragment of boxes(window, box)) {
      if (fragment.type === 'traf') ticks += await ticksOf(window, fragment, track.trackId, byDefault);
    }
  }
  return window.isUsedUp ? NaN : ticks;
}

async function defaultDuration(window: FileWindow, { extension, trackId }: FragmentedTrack): Promise<number> {
  for await (const box of boxes(window, extension)) {
    const fields = box.type === 'trex' ? await window.at(box.start, 16) : Buffer.alloc(0);
    if (fields.length === 16 && fields.readUInt32BE(4) === trackId) return fields.readUInt32BE(12);
  }
  return 0;
}

async function ticksOf(window: FileWindow, traf: Box, trackId: number, byDefault: number): Promise<number> {
  const header = await window.at((await boxIn(window, traf, 'tfhd')).start, 24);
  if (header.length < 24 || header.readUInt32BE(4) !== trackId) return 0;
  const flags = header.readUIntBE(1, 3);
  const at = 8 + (flags & HAS_OFFSET ? 8 : 0) + (flags & HAS_DESCRIPTION ? 4 : 0);
  const each = flags & HAS_DEFAULT_DURATION ? header.readUInt32BE(at) : byDefault;
  let ticks = 0;
  for await (const box of boxes(window, traf)) {
    if (box.type === 'trun') ticks += runTicks(await window.at(box.start, box.end - box.start), each);
  }
  return ticks;
}

/** As many samples as the box has room for, whatever it says. */
function runTicks(run: Buffer, each: number): number {
  if (run.length < 8) return 0;
  const flags = run.readUIntBE(1, 3);
  const samples = run.readUInt32BE(4);
  if (!(flags & HAS_DURATION)) return samples * each;
  const step = 4 * SAMPLE_FIELDS.filter((field) => flags & field).length;
  const first = 8 + (flags & HAS_OFFSET ? 4 : 0) + (flags & HAS_FIRST_SAMPLE_FLAGS ? 4 : 0);
  const end = Math.min(run.length - 3, first + step * samples);
  let ticks = 0;
  for (let at = first; at < end; at += step) ticks += run.readUInt32BE(at);
  return ticks;
}
