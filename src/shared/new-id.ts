import { v7 } from 'uuid';

/**
 * A UUID that sorts behind all earlier ones of this process. Rows of one time lie side by side in each index of ids, where
 * random ones would make the database write a page for each; and ComfyUI, which starts prompts of one number by their ids,
 * keeps our order.
 */
export function newId(): string {
  return v7();
}
