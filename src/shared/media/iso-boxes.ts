import type { FileWindow } from './file-window';

/** ISO/IEC 14496-12, section 4.2. */
export interface Box {
  readonly type: string;
  /** Of its content. */
  readonly start: number;
  readonly end: number;
}

export async function* boxes(window: FileWindow, { start, end }: Pick<Box, 'start' | 'end'>): AsyncGenerator<Box> {
  for (let position = start; position + 8 <= end;) {
    const header = await window.at(position, 16);
    if (header.length < 8) return;
    const { headerBytes, sizeBytes } = boxSize(header, end - position);
    if (sizeBytes < headerBytes) return;
    const type = header.toString('latin1', 4, 8);
    yield { type, start: position + headerBytes, end: Math.min(position + sizeBytes, end) };
    position += sizeBytes;
  }
}

/** The first box of this type in another; of no bytes where there is none. */
export async function boxIn(window: FileWindow, parent: Box, type: string): Promise<Box> {
  for await (const box of boxes(window, parent)) {
    if (box.type === type) return box;
  }
  return { type, start: parent.end, end: parent.end };
}

function boxSize(header: Buffer, toTheEnd: number): { headerBytes: number; sizeBytes: number } {
  const size = header.readUInt32BE(0);
  if (size === 0) return { headerBytes: 8, sizeBytes: toTheEnd };
  if (size !== 1) return { headerBytes: 8, sizeBytes: size };
  return { headerBytes: 16, sizeBytes: header.length < 16 ? 0 : Number(header.readBigUInt64BE(8)) };
}
