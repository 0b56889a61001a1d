import type { ErrorCode } from '../../../../src/domain/errors';
import type { Workflow } from '../../../../src/domain/workflow/workflow';

/** The status or error code of an ended job. */
export type Ending = 'succeeded' | ErrorCode;

export interface OrderOptions {
  /** Duration of its run at ComfyUI; default 0.2. */
  readonly seconds?: number;
  readonly steps?: number;
  readonly priority?: number;
  readonly labels?: readonly string[];
  /** Allowed endings; default `succeeded`. */
  readonly endings?: readonly Ending[];
  /** Repeats this order: the same color and file name. */
  readonly like?: Order;
  /** Additional nodes. */
  readonly more?: Workflow;
  /** Its picture comes from ComfyUI's cache: no file is written. */
  readonly isCached?: boolean;
  /** Default true. */
  readonly isKeyed?: boolean;
}

/** A request for a picture with a unique color and file name. */
export interface Order {
  readonly tag: string;
  readonly color: number;
  /** Its Idempotency-Key; an order without one is sent once. */
  readonly key: string | undefined;
  readonly body: {
    readonly prompt: Workflow;
    readonly priority: number;
    readonly labels: readonly string[];
    readonly timeout: number;
  };
  endings: readonly Ending[];
  readonly isCached: boolean;
  /** Set when the service accepted it. */
  jobId?: string;
  /** The picture that a waiting caller received. */
  picture?: Buffer;
  /** The error code of the last response. */
  refusal?: string;
}

/** Odd: its multiples take every color once before one repeats. */
const COLOR_STEP = 0x9e_37_79;
const CALLER_SECONDS = 120;

let orders = 0;

export function newOrder(options: OrderOptions = {}): Order {
  orders += 1;
  const { priority = 0, labels = [], endings = ['succeeded'], like, isCached = false, isKeyed = true } = options;
  const tag = like?.tag ?? `order${orders}`;
  const color = like?.color ?? (orders * COLOR_STEP) % 2 ** 24;
  const prompt = like?.body.prompt ?? workflow(tag, color, options);
  return {
    tag,
    color,
    key: isKeyed ? `key-${process.pid}-${orders}` : undefined,
    body: { prompt, priority, labels, timeout: CALLER_SECONDS },
    endings,
    isCached,
  };
}

function workflow(tag: string, color: number, { seconds = 0.2, steps = 5, more = {} }: OrderOptions): Workflow {
  return {
    '1': { class_type: 'EmptyImage', inputs: { width: 8, height: 8, batch_size: 1, color } },
    '2': { class_type: 'SimulatedSleep', inputs: { seconds, steps, preview: false, image: ['1', 0] } },
    '3': { class_type: 'SaveImage', inputs: { images: ['2', 0], filename_prefix: tag } },
    ...more,
  };
}

/** The tag of the order that made a workflow. */
export function tagOf(prompt: Workflow): string {
  return String(prompt['3']?.inputs.filename_prefix);
}
