export const ROLES = ['all', 'api', 'worker'] as const;

export type Role = (typeof ROLES)[number];

/** Which part of the work this process has. */
export class ProcessRole {
  /** Whether it drives servers. */
  readonly drives: boolean;
  /** Whether it does what one of several processes has to do: that which drives the first server. */
  isChief: boolean;

  /** @param isAlone no other process has the same jobs: what is not known here happens nowhere */
  constructor(
    role: Role,
    readonly isAlone: boolean,
  ) {
    this.drives = role !== 'api';
    this.isChief = isAlone;
  }
}
