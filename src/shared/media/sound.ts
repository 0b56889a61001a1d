import type { FileWindow } from './file-window';

const ID3_HEADER = 10;
const LAST_OGG_PAGE = 64 * 1024;
const OPUS_RATE = 48_000;
const NO_PACKET_ENDS_HERE = 0xffffffffffffffffn;

/** Where the sound begins after an ID3v2 tag, which may stand before FLAC and MPEG audio. */
export async function afterId3(window: FileWindow): Promise<number> {
  const header = await window.at(0, ID3_HEADER);
  if (header.length < ID3_HEADER || header.toString('latin1', 0, 3) !== 'ID3') return 0;
  return ID3_HEADER + header.subarray(6, 10).reduce((size, byte) => size * 128 + (byte & 0x7f), 0);
}

/** A writer to a pipe leaves the sizes at 0 or at their highest: then the sound goes to the end of the file. */
export async function waveSeconds(window: FileWindow): Promise<number | null> {
  let bytesPerSecond = 0;
  for (let position = 12; ;) {
    const chunk = await window.at(position, 20);
    if (chunk.length < 8) return null;
    const size = chunk.readUInt32LE(4);
    const id = chunk.toString('latin1', 0, 4);
    if (id === 'fmt ' && chunk.length === 20) bytesPerSecond = chunk.readUInt32LE(16);
    if (id === 'data') return Math.min(size || Infinity, window.sizeBytes - position - 8) / bytesPerSecond;
    position += 8 + size + (size % 2);
  }
}

/** RFC 9639, section 8.2: STREAMINFO comes first. */
export async function flacSeconds(window: FileWindow): Promise<number | null> {
  const header = await window.at(await afterId3(window), 26);
  if (header.length < 26 || header.toString('latin1', 0, 4) !== 'fLaC') return null;
  const fields = header.readBigUInt64BE(18);
  const samples = Number(fields & 0xfffffffffn);
  return samples === 0 ? null : samples / Number(fields >> 44n);
}

/** The position in the last page of the first stream, which is in samples. */
export async function oggSeconds(window: FileWindow): Promise<number | null> {
  const first = await window.at(0, 128);
  const clock = first.length < 64 ? undefined : oggClock(first.subarray(27 + (first[26] ?? 0)));
  if (!clock) return null;
  const tail = await window.at(Math.max(0, window.sizeBytes - LAST_OGG_PAGE), LAST_OGG_PAGE);
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
