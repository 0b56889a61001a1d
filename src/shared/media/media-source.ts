/** Bytes of a file, readable at any position. */
export interface MediaSource {
  readonly sizeBytes: number;
  /** The first bytes, enough to find the media type and the size of a picture. */
  readonly head: Buffer;
  /** Up to `length` bytes from `position`: fewer at the end of the file, none after it. */
  read(position: number, length: number): Promise<Buffer>;
}
