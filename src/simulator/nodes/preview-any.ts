import { dumpJson } from '../python-json';
import { pythonStr } from '../python-values';
import { NodeDefinition } from './definition';

function display(value: unknown): string {
  if (typeof value !== 'object' || value === null) return pythonStr(value);
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  return isPlain ? dumpJson(value) : `tensor(${value.constructor.name})`;
}

export const previewAny: NodeDefinition = {
  classType: 'PreviewAny',
  displayName: 'Preview Any',
  category: 'utils',
  pythonModule: 'comfy_extras.nodes_preview_any',
  isOutput: true,
  required: { source: ['*', {}] },
  execute: (inputs) => ({ ui: { text: [display(inputs.get('source'))] } }),
};
