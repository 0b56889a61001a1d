import type { FileWindow } from './file-window';

const LAST_PAGES = 64 * 1024;
const OPUS_RATE = 48_000;
const NO_PACKET_ENDS_HERE = 0xffffffffffffffffn;

/**
 * The position in the last page of the first stream, in samples (RFC 3533, section 6). By hand, since music-metadata
 * reads all pages up to that one.
 */
export async function oggSeconds(window: FileWindow): Promise<number | null> {
  const first = await window.at(0, 128);
  const clock = first.length < 64 ? undefined : oggClock(first.subarray(27 + (first[26] ?? 0)));
  if (!clock) return null;
  const tail = await window.at(Math.max(0, window.sizeBytes - LAST_PAGES), LAST_PAGES);
  const serial = first.readUInt32LE(14);
  for (let page = tail.lastIndexOf('OggS'); page >= 0; page = page === 0 ? -1 : tail.lastIndexOf('OggS', page - 1)) {
    if (page + 18 > tail.length || tail.readUInt32LE(page + 14) !== serial) continue;
    const position = tail.readBigUInt64LE(page + 6);
    if (position !== NO_PACKET_ENDS_HERE) return (Number(position) - clock.skipped) / clock.rate;
  }
  return null;
}

function oggClock(packet: Buffer): { rate: number; skipped: number } | undefined {
  if (packet.length < 32) return undefined;
  const name = packet.toString('latin1', 0, 8);
  if (name === 'OpusHead') return { rate: OPUS_RATE, skipped: packet.readUInt16LE(10) };
  if (name.startsWith('\x01vorbis')) return { rate: packet.readUInt32LE(12), skipped: 0 };
  // STREAMINFO of the FLAC in it, after nine bytes of mapping and eight of its own header.
  return name.startsWith('\x7fFLAC') ? { rate: packet.readUIntBE(27, 3) >> 4, skipped: 0 } : undefined;
}
