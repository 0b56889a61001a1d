import { createHash } from 'node:crypto';
import type { WorkflowRequirements } from '../../domain/workflow/requirements';

/** The same for two jobs that any server can run or not run alike. */
export function requirementsKey({ classes, labels }: WorkflowRequirements): string {
  return createHash('sha256')
    .update(JSON.stringify([classes, labels]))
    .digest('base64url');
}
