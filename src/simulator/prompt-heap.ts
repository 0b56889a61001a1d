import { isDeepStrictEqual } from 'node:util';
import { PythonError } from './python-values';
import { QueueItem } from './wire';

/** Tuple order: the first different element decides. Comparing two graphs throws, which ends ComfyUI's worker. */
function before(a: QueueItem, b: QueueItem): boolean {
  if (a[0] !== b[0]) return a[0] < b[0];
  if (a[1] !== b[1]) return a[1] < b[1];
  if (!isDeepStrictEqual(a[2], b[2]) || !isDeepStrictEqual(a[3], b[3])) {
    throw new PythonError('TypeError', "'<' not supported between instances of 'dict' and 'dict'");
  }
  return a[4].join('\0') < b[4].join('\0');
}

/**
 * A binary min-heap with the element order of Python's `heapq`: `/queue` shows its unsorted array.
 * If an insertion throws, the item stays in the heap, as in Python.
 */
export class PromptHeap {
  #items: QueueItem[] = [];

  get size(): number {
    return this.#items.length;
  }

  toArray(): QueueItem[] {
    return [...this.#items];
  }

  push(item: QueueItem): void {
    this.#items.push(item);
    this.#siftDown(0, this.#items.length - 1);
  }

  pop(): QueueItem | undefined {
    const last = this.#items.pop();
    const first = this.#items[0];
    if (last === undefined || first === undefined) return last;
    this.#items[0] = last;
    this.#siftUp(0);
    return first;
  }

  clear(): void {
    this.#items = [];
  }

  /** Removes the first item with this id in array order. */
  remove(promptId: string): boolean {
    const index = this.#items.findIndex((item) => item[1] === promptId);
    if (index < 0) return false;
    this.#items.splice(index, 1);
    for (let i = Math.floor(this.#items.length / 2) - 1; i >= 0; i--) this.#siftUp(i);
    return true;
  }

  #siftDown(start: number, position: number): void {
    const items = this.#items;
    const item = items[position]!;
    let at = position;
    while (at > start) {
      const parentAt = (at - 1) >> 1;
      const parent = items[parentAt]!;
      if (!before(item, parent)) break;
      items[at] = parent;
      at = parentAt;
    }
    items[at] = item;
  }

  #siftUp(position: number): void {
    const items = this.#items;
    const item = items[position]!;
    let at = position;
    let child = 2 * at + 1;
    while (child < items.length) {
      const right = child + 1;
      if (right < items.length && !before(items[child]!, items[right]!)) child = right;
      items[at] = items[child]!;
      at = child;
      child = 2 * at + 1;
    }
    items[at] = item;
    this.#siftDown(position, at);
  }
}
