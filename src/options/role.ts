/** The part of the work that a process does: `api` serves requests and runs no jobs, `worker` only runs jobs. */
export const ROLES = ['all', 'api', 'worker'] as const;

export type Role = (typeof ROLES)[number];
