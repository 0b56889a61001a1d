import { DeclaredInput, inputSpec, NodeDefinition, Inventory } from './definition';
import { imageNodes } from './images';
import { loadImage } from './load-image';
import { previewAny } from './preview-any';
import { samplerNodes } from './sampler';
import { savingNodes } from './save-image';
import { simulatedNodes } from './simulated';
import { simulatedFiles } from './simulated-files';

const NODES: ReadonlyMap<string, NodeDefinition> = new Map(
  [...samplerNodes, ...imageNodes, loadImage, ...savingNodes, previewAny, ...simulatedNodes, simulatedFiles].map(
    (node) => [node.classType, node],
  ),
);

export const findNode = (classType: unknown): NodeDefinition | undefined =>
  typeof classType === 'string' ? NODES.get(classType) : undefined;

/** Like `findNode`, among the installed nodes. */
export const findInstalledNode = (classType: unknown, { missingNodes }: Inventory): NodeDefinition | undefined =>
  missingNodes.some((missing) => missing === classType) ? undefined : findNode(classType);

const declared = (inputs: Record<string, DeclaredInput>, inventory: Inventory): Record<string, unknown> =>
  Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, inputSpec(input, inventory)]));

/** An entry of `/object_info`. */
export function nodeInfo(node: NodeDefinition, inventory: Inventory): Record<string, unknown> {
  const { required, optional, hidden, outputs = [] } = node;
  const groups = { required, ...(optional && { optional }), ...(hidden && { hidden }) };
  return {
    input: {
      required: declared(required, inventory),
      ...(optional && { optional: declared(optional, inventory) }),
      ...(hidden && { hidden }),
    },
    input_order: Object.fromEntries(Object.entries(groups).map(([group, inputs]) => [group, Object.keys(inputs)])),
    output: outputs,
    output_is_list: outputs.map(() => false),
    output_name: node.outputNames ?? outputs,
    ...(node.schema === 'v3' && { output_tooltips: outputs.map(() => null) }),
    name: node.classType,
    display_name: node.displayName ?? null,
    description: node.description ?? '',
    python_module: node.pythonModule,
    category: node.category,
    output_node: node.isOutput === true,
    ...(node.schema === 'v3' && { deprecated: false, experimental: false, api_node: false }),
  };
}

export const objectInfo = (inventory: Inventory): Record<string, unknown> =>
  Object.fromEntries(
    [...NODES.values()]
      .filter(({ classType }) => !inventory.missingNodes.includes(classType))
      .map((node) => [node.classType, nodeInfo(node, inventory)]),
  );
