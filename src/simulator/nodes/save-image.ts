import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { withText } from '../pictures/png-text';
import { FolderType, NodeUi } from '../wire';
import { NodeContext, NodeDefinition } from './definition';
import { NodeInputs } from './inputs';

const hidden = { prompt: 'PROMPT', extra_pnginfo: 'EXTRA_PNGINFO' };

async function save(inputs: NodeInputs, context: NodeContext, type: FolderType, prefix: string): Promise<NodeUi> {
  const { width, height, frames } = inputs.images('images');
  const names = context.naming.reserve(type, prefix, { width, height, count: frames.length });
  const texts = [...context.metadata()];
  for (const [index, frame] of frames.entries()) {
    const png = await context.encoded.png(frame);
    await writeFile(join(names.folder, names.filenames[index] ?? ''), withText(png, texts));
  }
  context.naming.written(names);
  return { images: names.filenames.map((filename) => ({ filename, subfolder: names.subfolder, type })) };
}

const saveImage: NodeDefinition = {
  classType: 'SaveImage',
  displayName: 'Save Image',
  category: 'image',
  pythonModule: 'nodes',
  isOutput: true,
  required: { images: ['IMAGE', {}], filename_prefix: ['STRING', { default: 'ComfyUI' }] },
  hidden,
  async execute(inputs, context) {
    await context.work(30);
    return { ui: await save(inputs, context, 'output', inputs.text('filename_prefix')) };
  },
};

const previewImage: NodeDefinition = {
  classType: 'PreviewImage',
  displayName: 'Preview Image',
  category: 'image',
  pythonModule: 'nodes',
  isOutput: true,
  required: { images: ['IMAGE'] },
  hidden,
  async execute(inputs, context) {
    await context.work(15);
    return { ui: await save(inputs, context, 'temp', `ComfyUI_temp_${context.tag}`) };
  },
};

export const savingNodes = [saveImage, previewImage] as const;
