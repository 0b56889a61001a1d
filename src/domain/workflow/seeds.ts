import { nodeIdsOf } from './node-order';
import type { Workflow } from './workflow';

/**
 * A seed that is a literal input of a node.
 *
 * @publicApi
 */
export interface Seed {
  readonly nodeId: string;
  /** Decimal digits: seeds go up to 2^64-1, which a JSON number cannot represent exactly. */
  readonly value: string;
}

const SEED_INPUTS = ['seed', 'noise_seed'];

/** The seeds in a workflow, in the order of its nodes; a linked seed is listed under the node that holds the value. */
export function seedsOf(workflow: Workflow): Seed[] {
  return nodeIdsOf(workflow).flatMap((nodeId) =>
    SEED_INPUTS.flatMap((name) => {
      const value = workflow[nodeId]?.inputs[name];
      const digits = typeof value === 'string' ? value.trim() : String(value);
      const isSeed = ['number', 'bigint', 'string'].includes(typeof value) && /^-?\d{1,20}$/.test(digits);
      return isSeed ? [{ nodeId, value: digits }] : [];
    }),
  );
}
