import { blend, BLEND_MODES } from '../pictures/blend';
import { crop, invert, scale, solid } from '../pictures/operations';
import { Images } from '../pictures/picture';
import { InputSpec, NodeDefinition } from './definition';
import { NodeInputs } from './inputs';

const MAX_RESOLUTION = 16384;
const PICTURE: InputSpec = ['IMAGE'];
const side = (min: number): InputSpec => ['INT', { default: 512, min, max: MAX_RESOLUTION, step: 1 }];
const offset: InputSpec = ['INT', { default: 0, min: 0, max: MAX_RESOLUTION, step: 1 }];

const emptyImage: NodeDefinition = {
  classType: 'EmptyImage',
  displayName: 'EmptyImage',
  category: 'image',
  pythonModule: 'nodes',
  required: {
    width: side(1),
    height: side(1),
    batch_size: ['INT', { default: 1, min: 1, max: 4096 }],
    color: ['INT', { default: 0, min: 0, max: 0xffffff, step: 1, display: 'color' }],
  },
  outputs: ['IMAGE'],
  execute(inputs) {
    const picture = solid(inputs.number('width'), inputs.number('height'), inputs.number('color'));
    return { outputs: [Images.of(Array.from({ length: inputs.number('batch_size') }, () => picture))] };
  },
};

const imageInvert: NodeDefinition = {
  classType: 'ImageInvert',
  displayName: 'Invert Image',
  category: 'image',
  pythonModule: 'nodes',
  required: { image: PICTURE },
  outputs: ['IMAGE'],
  execute: (inputs) => ({ outputs: [inputs.images('image').map(invert)] }),
};

/** A side of 0 is computed from the other one. */
function scaledSize(inputs: NodeInputs, images: Images): [width: number, height: number] {
  const [width, height] = [inputs.number('width'), inputs.number('height')];
  if (width === 0 && height === 0) return [images.width, images.height];
  if (width === 0) return [Math.max(1, Math.round((images.width * height) / images.height)), height];
  if (height === 0) return [width, Math.max(1, Math.round((images.height * width) / images.width))];
  return [width, height];
}

const imageScale: NodeDefinition = {
  classType: 'ImageScale',
  displayName: 'Upscale Image',
  category: 'image/upscaling',
  pythonModule: 'nodes',
  required: {
    image: PICTURE,
    upscale_method: [['nearest-exact', 'bilinear', 'area', 'bicubic', 'lanczos']],
    width: side(0),
    height: side(0),
    crop: [['disabled', 'center']],
  },
  outputs: ['IMAGE'],
  execute(inputs) {
    const images = inputs.images('image');
    const [width, height] = scaledSize(inputs, images);
    const [method, fit] = [inputs.text('upscale_method'), inputs.text('crop')];
    return { outputs: [images.map((frame) => scale(frame, width, height, method, fit))] };
  },
};

const imageBlend: NodeDefinition = {
  classType: 'ImageBlend',
  schema: 'v3',
  category: 'image/postprocessing',
  pythonModule: 'comfy_extras.nodes_post_processing',
  required: {
    image1: ['IMAGE', {}],
    image2: ['IMAGE', {}],
    blend_factor: ['FLOAT', { default: 0.5, min: 0, max: 1, step: 0.01 }],
    blend_mode: ['COMBO', { multiselect: false, options: BLEND_MODES }],
  },
  outputs: ['IMAGE'],
  execute(inputs) {
    const [base, over] = [inputs.images('image1'), inputs.images('image2')];
    const [factor, mode] = [inputs.number('blend_factor'), inputs.text('blend_mode')];
    const blended = base.map((frame, i) => blend(frame, over.frames[i] ?? over.frames[0], factor, mode));
    return { outputs: [blended] };
  },
};

const imageCrop: NodeDefinition = {
  classType: 'ImageCrop',
  displayName: 'Image Crop',
  category: 'image/transform',
  pythonModule: 'comfy_extras.nodes_images',
  required: { image: PICTURE, width: side(1), height: side(1), x: offset, y: offset },
  outputs: ['IMAGE'],
  execute(inputs) {
    const area = {
      left: inputs.number('x'),
      top: inputs.number('y'),
      width: inputs.number('width'),
      height: inputs.number('height'),
    };
    return { outputs: [inputs.images('image').map((frame) => crop(frame, area))] };
  },
};

const imageBatch: NodeDefinition = {
  classType: 'ImageBatch',
  displayName: 'Batch Images',
  category: 'image',
  pythonModule: 'nodes',
  required: { image1: PICTURE, image2: PICTURE },
  outputs: ['IMAGE'],
  execute(inputs) {
    const [first, second] = [inputs.images('image1'), inputs.images('image2')];
    const fitted = second.frames.map((frame) => scale(frame, first.width, first.height, 'bilinear', 'center'));
    return { outputs: [Images.of([...first.frames, ...fitted])] };
  },
};

const getImageSize: NodeDefinition = {
  classType: 'GetImageSize',
  displayName: 'Get Image Size',
  category: 'image',
  pythonModule: 'comfy_extras.nodes_images',
  required: { image: PICTURE },
  hidden: { unique_id: 'UNIQUE_ID' },
  outputs: ['INT', 'INT', 'INT'],
  outputNames: ['width', 'height', 'batch_size'],
  execute(inputs, context) {
    const { width, height, frames } = inputs.images('image');
    context.text(`width: ${width}, height: ${height}\n batch size: ${frames.length}`);
    return { outputs: [width, height, frames.length] };
  },
};

export const imageNodes = [
  emptyImage,
  imageInvert,
  imageScale,
  imageBlend,
  imageCrop,
  imageBatch,
  getImageSize,
] as const;
