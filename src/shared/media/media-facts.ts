export const UNKNOWN_TYPE = 'application/octet-stream';

/** What the bytes of a file turned out to be. */
export interface MediaFacts {
  /** Without parameters; `application/octet-stream` when the bytes tell nothing. */
  readonly mediaType: string;
  /** Pixels of a picture, or of a film's first video track, as they are stored: not turned by EXIF or a track's matrix. */
  readonly width: number | null;
  readonly height: number | null;
  /** Of sound and film, as the header has it; estimated from the bit rate where there is none. Null when it does not say. */
  readonly durationSeconds: number | null;
  /** Of a picture: it has frames to be played. Absent when the first bytes do not tell. */
  readonly isAnimated?: boolean;
}

/** What others said of a file. It settles only what the bytes leave open. */
export interface MediaHint {
  readonly filename: string;
  /** `Content-Type` as the server sent it. */
  readonly declared?: string;
}

export type MediaDetails = Partial<MediaFacts>;
