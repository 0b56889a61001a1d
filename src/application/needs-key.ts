import { createHash } from 'node:crypto';
import type { WorkflowNeeds } from '../domain/workflow/needs';

/** The same for two jobs that any server can run or not run alike. */
export function needsKey({ classes, labels }: WorkflowNeeds): string {
  return createHash('sha256')
    .update(JSON.stringify([classes, labels]))
    .digest('base64url');
}
