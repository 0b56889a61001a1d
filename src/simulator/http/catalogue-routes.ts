import { findInstalledNode, nodeInfo, objectInfo } from '../nodes/catalogue';
import { Shelf } from '../nodes/definition';
import { empty, json } from './replies';
import { Router } from './router';

const MODEL_FOLDERS = [
  'checkpoints',
  'configs',
  'loras',
  'vae',
  'text_encoders',
  'diffusion_models',
  'clip_vision',
  'style_models',
  'embeddings',
  'diffusers',
  'vae_approx',
  'controlnet',
  'gligen',
  'upscale_models',
  'hypernetworks',
  'photomaker',
  'classifiers',
];

/** What can be put into a workflow: node classes and models. */
export function addCatalogueRoutes(router: Router, shelf: Shelf): void {
  router
    .add('GET', '/object_info', () => json(objectInfo(shelf)))
    .add('GET', '/object_info/{class}', ({ params }) => {
      const node = findInstalledNode(params['class'], shelf);
      return json(node === undefined ? {} : { [node.classType]: nodeInfo(node, shelf) });
    })
    .add('GET', '/embeddings', () => json([]))
    .add('GET', '/extensions', () => json([]))
    .add('GET', '/models', () => json(MODEL_FOLDERS))
    .add('GET', '/models/{folder}', ({ params }) => {
      const folder = params['folder'] ?? '';
      if (!MODEL_FOLDERS.includes(folder)) return empty(404);
      return json(folder === 'checkpoints' ? shelf.checkpoints : folder === 'loras' ? shelf.loras : []);
    });
}
