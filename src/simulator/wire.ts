/** The types of ComfyUI 0.3.64's requests and responses. */

/** A JSON value; integers above 2^53 are bigints (a seed may be up to 2^64 - 1). */
export type Json = string | number | bigint | boolean | null | Json[] | { [key: string]: Json };

export type JsonObject = { [key: string]: Json };

/** A submitted node. `inputs` may be missing in an invalid request: validation reports it. */
export interface PromptNode {
  class_type: string;
  inputs: JsonObject;
  _meta?: { title?: string };
}

/** An API-format workflow: node id -> node. */
export type Prompt = Record<string, PromptNode>;

export type Link = [nodeId: string, slot: number];

/** An entry of the queue: the five elements that ComfyUI shows in `/queue` and `/history`. */
export type QueueItem = [number: number, promptId: string, prompt: Prompt, extraData: JsonObject, outputs: string[]];

export interface ApiError {
  type: string;
  message: string;
  details: string;
  extra_info: Record<string, unknown>;
}

export interface NodeErrors {
  errors: ApiError[];
  dependent_outputs: string[];
  class_type: string;
}

export interface FileReference {
  filename: string;
  subfolder: string;
  type: FolderType;
}

export type FolderType = 'output' | 'input' | 'temp';

/** The UI output of a node: lists per key, such as `{ images: [{ filename, subfolder, type }] }`. */
export type NodeUi = Record<string, unknown[]>;

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** ComfyUI treats any two-element list of a string and a number as a link, for any type of input. */
export const isLink = (value: unknown): value is Link =>
  Array.isArray(value) && value.length === 2 && typeof value[0] === 'string' && typeof value[1] === 'number';
