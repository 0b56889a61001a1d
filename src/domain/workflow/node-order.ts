import { isObject, stringsOf } from '../../shared/json';
import type { Workflow } from './workflow';

/** The property with the order of the nodes in the submitted text: JavaScript objects sort keys like "9" first. */
const NODE_ORDER = Symbol('order of the nodes as submitted');

const COLON = /\s*:/y;

/** The node ids in the submitted order; in the order of the object's keys if that is unknown. */
export function nodeIdsOf(workflow: Workflow): readonly string[] {
  return orderOf(workflow) ?? Object.keys(workflow);
}

/** Attaches the order of the nodes to `body.prompt`, read from the text that the body was parsed from. */
export function noteNodeOrder(body: unknown, text: string): void {
  if (!isObject(body) || !isObject(body.prompt)) return;
  const marked: unknown = JSON.parse(markKeys(text));
  const prompt = isObject(marked) ? marked.kprompt : undefined;
  if (isObject(prompt))
    setOrder(
      body.prompt,
      Object.keys(prompt).map((key) => key.slice(1)),
    );
}

/** Copies the order attached to `from` to a workflow made from it. */
export function keepNodeOrder(from: object, workflow: Workflow): Workflow {
  const order = orderOf(from);
  if (order)
    setOrder(
      workflow,
      order.filter((id) => Object.hasOwn(workflow, id)),
    );
  return workflow;
}

/** Puts a letter before each key: JavaScript then treats none as an integer and keeps their order. */
function markKeys(text: string): string {
  const pieces: string[] = [];
  let done = 0;
  for (const { start, end } of stringsOf(text)) {
    COLON.lastIndex = end;
    if (!COLON.test(text)) continue;
    pieces.push(text.slice(done, start + 1), 'k');
    done = start + 1;
  }
  return pieces.join('') + text.slice(done);
}

function orderOf(value: object): readonly string[] | undefined {
  return (value as { [NODE_ORDER]?: readonly string[] })[NODE_ORDER];
}

function setOrder(value: object, ids: readonly string[]): void {
  Object.defineProperty(value, NODE_ORDER, { value: ids });
}
