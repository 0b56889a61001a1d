import { Files } from '../files';
import { FileNaming } from '../file-naming';
import { EncodedPictures } from '../pictures/encoded-pictures';
import { NodeUi } from '../wire';
import { NodeInputs } from './inputs';

/** `[type]` or `[type, options]`; the type is a name such as `INT`, or the list of choices of a combo. */
export type InputSpec = readonly [type: string | readonly string[], options?: Readonly<Record<string, unknown>>];

/** A function if the choices depend on the current files. */
export type DeclaredInput = InputSpec | ((inventory: Inventory) => InputSpec);

/** The installed models, input files and node packs that node declarations depend on. */
export interface Inventory {
  files: Files;
  checkpoints: readonly string[];
  loras: readonly string[];
  missingNodes: readonly string[];
}

/** The services of a running node. */
export interface NodeContext {
  readonly nodeId: string;
  readonly previews: boolean;
  readonly files: Files;
  readonly naming: FileNaming;
  readonly encoded: EncodedPictures;
  /** Five letters that do not change while ComfyUI keeps the node's object. */
  readonly tag: string;
  /** The tEXt entries of a saved image. */
  metadata(): Iterable<[keyword: string, text: string]>;
  /** Waits for a simulated time. */
  work(ms: number): Promise<void>;
  /** Reports a step of the progress bar; an interrupt takes effect here. */
  progress(value: number, max: number, preview?: Buffer): Promise<void>;
  /** Sends a line of text to display below the node (binary frame 3). */
  text(text: string): void;
}

export interface NodeResult {
  /** One value per output socket. */
  outputs?: readonly unknown[];
  ui?: NodeUi;
}

/** The declaration of a node, used by `/object_info`, validation and execution. */
export interface NodeDefinition {
  classType: string;
  /** Newer node classes (v3) have no display name in 0.3.64, and always list their flags. */
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
  /** The node's own check of one input, which replaces its declared limits and choices. */
  validator?: { input: string; check(value: unknown, inventory: Inventory): true | string };
  /** A value whose change makes the node run again although its inputs are unchanged. */
  isChanged?(inputs: NodeInputs, inventory: Inventory): unknown;
  execute(inputs: NodeInputs, context: NodeContext): Promise<NodeResult> | NodeResult;
}

export const inputSpec = (declared: DeclaredInput, inventory: Inventory): InputSpec =>
  typeof declared === 'function' ? declared(inventory) : declared;
