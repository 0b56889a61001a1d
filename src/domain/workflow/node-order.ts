import { isObject, stringsOf } from '../../shared/json';
import type { Workflow } from './workflow';

/** Where a workflow keeps the order its nodes were written in; JavaScript objects put keys like "9" first, ascending. */
const NODE_ORDER = Symbol('order of the nodes as submitted');

const COLON = /\s*:/y;

/** The node ids in the order they were submitted, as far as it is known. */
export function nodeIdsOf(workflow: Workflow): readonly string[] {
  return orderOf(workflow) ?? Object.keys(workflow);
}

/** Notes the order of the nodes in `body.prompt`, by the text that the body was parsed from. */
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

/** Gives a workflow the order noted of the value it was made from. */
export function keepNodeOrder(from: object, workflow: Workflow): Workflow {
  const order = orderOf(from);
  if (order)
    setOrder(
      workflow,
      order.filter((id) => Object.hasOwn(workflow, id)),
    );
  return workflow;
}

/** The text with a letter before each key: then none looks like an integer, and none is moved. */
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
