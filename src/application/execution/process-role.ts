import type { Role } from '../../options/role';

/** Which part of the work this process has. */
export class ProcessRole {
  /** Whether it drives servers. */
  readonly runsJobs: boolean;
  /** Whether it does what one of several processes has to do: that which drives the first server. */
  isLeader: boolean;

  /** @param isAlone no other process has the same jobs: what is not known here happens nowhere */
  constructor(
    role: Role,
    readonly isSingleProcess: boolean,
  ) {
    this.runsJobs = role !== 'api';
    this.isLeader = isSingleProcess;
  }
}
