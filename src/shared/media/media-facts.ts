export const UNKNOWN_TYPE = 'application/octet-stream';

/** What the bytes of a file say about it. */
export interface MediaFacts {
  /** Without parameters; `application/octet-stream` when the bytes match no known kind. */
  readonly mediaType: string;
  /** Pixels of a picture, or of a film's first video track, as they are stored: not turned by EXIF or a track's matrix. */
  readonly width: number | null;
  readonly height: number | null;
  /** Of sound and film, as the header has it; estimated from the bit rate where there is none. Null where neither is known. */
  readonly durationSeconds: number | null;
  /** Of a picture: it has frames to be played. Absent when the first bytes do not show it. */
  readonly isAnimated?: boolean;
}

/** The name and the declared type of a file. They settle only what the bytes leave open. */
export interface MediaHint {
  readonly filename: string;
  /** `Content-Type` as the server sent it. */
  readonly declared?: string;
}

export type MediaDetails = Partial<MediaFacts>;
