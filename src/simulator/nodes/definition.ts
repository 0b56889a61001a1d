import { Files } from '../files';
import { FileNaming } from '../file-naming';
import { EncodedPictures } from '../pictures/encoded-pictures';
import { NodeUi } from '../wire';
import { NodeInputs } from './inputs';

/** `[type]` or `[type, options]`; the type is a name such as `INT`, or the list of choices of a combo. */
export type InputSpec = readonly [type: string | readonly string[], options?: Readonly<Record<string, unknown>>];

/** Choices that depend on what is on disk now are made when they are asked for. */
export type DeclaredInput = InputSpec | ((shelf: Shelf) => InputSpec);

/** What node declarations may look at: the models and input files that exist. */
export interface Shelf {
  files: Files;
  checkpoints: readonly string[];
  loras: readonly string[];
  missingNodes: readonly string[];
}

/** What a running node may use. */
export interface NodeContext {
  readonly nodeId: string;
  readonly previews: boolean;
  readonly files: Files;
  readonly naming: FileNaming;
  readonly encoded: EncodedPictures;
  /** Five letters that stay the same while ComfyUI keeps the node's object. */
  readonly tag: string;
  /** The tEXt entries of a saved picture. */
  metadata(): Iterable<[keyword: string, text: string]>;
  /** Lets simulated time pass. */
  work(ms: number): Promise<void>;
  /** A step of the progress bar, which is also where an interrupt takes effect. */
  progress(value: number, max: number, preview?: Buffer): Promise<void>;
  /** A line of text below the node (binary frame 3). */
  text(text: string): void;
}

export interface NodeResult {
  /** One value per output socket. */
  outputs?: readonly unknown[];
  ui?: NodeUi;
}

/** Declared once: `/object_info`, validation and execution all read it. */
export interface NodeDefinition {
  classType: string;
  /** Newer node classes have no display name in 0.3.64, and always state their flags. */
  schema?: 'v1' | 'v3';
  displayName?: string;
  category: string;
  pythonModule: string;
  description?: string;
  isOutput?: boolean;
  required: Record<string, DeclaredInput>;
  optional?: Record<string, DeclaredInput>;
  hidden?: Record<string, string>;
  outputs?: readonly string[];
  outputNames?: readonly string[];
  /** The node's own check of one input, in place of the limits and choices declared for it. */
  validator?: { input: string; check(value: unknown, shelf: Shelf): true | string };
  /** A value that changes when the node must run again although its inputs are the same. */
  isChanged?(inputs: NodeInputs, shelf: Shelf): unknown;
  execute(inputs: NodeInputs, context: NodeContext): Promise<NodeResult> | NodeResult;
}

export const inputSpec = (declared: DeclaredInput, shelf: Shelf): InputSpec =>
  typeof declared === 'function' ? declared(shelf) : declared;
