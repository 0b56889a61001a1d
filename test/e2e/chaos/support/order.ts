import type { ErrorCode } from '../../../../src/domain/errors';
import type { Workflow } from '../../../../src/domain/workflow/workflow';

/** How a job may end. */
export type Ending = 'succeeded' | ErrorCode;

export interface OrderOptions {
  /** How long ComfyUI is to work on it; default 0.2. */
  readonly seconds?: number;
  readonly steps?: number;
  readonly priority?: number;
  readonly labels?: readonly string[];
  /** Default: it must succeed. */
  readonly endings?: readonly Ending[];
  /** The picture of this order once more: the same colour under the same name. */
  readonly like?: Order;
  /** Nodes besides. */
  readonly more?: Workflow;
  /** Its picture comes from ComfyUI's cache: nothing is made. */
  readonly isCached?: boolean;
  /** Default true. */
  readonly isKeyed?: boolean;
}

/** What we asked for: a picture whose colour and name no other order has. */
export interface Order {
  readonly tag: string;
  readonly color: number;
  /** Its Idempotency-Key; undefined: it has none, and is not to be sent twice. */
  readonly key: string | undefined;
  readonly body: {
    readonly prompt: Workflow;
    readonly priority: number;
    readonly labels: readonly string[];
    readonly timeout: number;
  };
  endings: readonly Ending[];
  readonly isCached: boolean;
  /** Once the service took it. */
  jobId?: string;
  /** What a caller that waited was given. */
  picture?: Buffer;
  /** What a caller that waited was told instead. */
  refusal?: string;
}

/** Odd, so that counting up gives every colour once before one comes again. */
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

/** The tag of a workflow that an order made. */
export function tagOf(prompt: Workflow): string {
  return String(prompt['3']?.inputs.filename_prefix);
}
