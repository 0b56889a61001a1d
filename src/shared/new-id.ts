import { v7 } from 'uuid';

/**
 * A UUID that sorts after all earlier ones of this process. Rows of the same time are neighbours in every index of ids,
 * while random ids cost the database a page write each; and ComfyUI, which orders prompts of equal number by their ids,
 * keeps the order of submission.
 */
export function newId(): string {
  return v7();
}
