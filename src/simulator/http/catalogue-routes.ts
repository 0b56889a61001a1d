import { findInstalledNode, nodeInfo, objectInfo } from '../nodes/catalogue';
import { Inventory } from '../nodes/definition';
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

/** Node classes and models. */
export function addCatalogueRoutes(router: Router, inventory: Inventory): void {
  router
    .add('GET', '/object_info', () => json(objectInfo(inventory)))
    .add('GET', '/object_info/{class}', ({ params }) => {
      const node = findInstalledNode(params['class'], inventory);
      return json(node === undefined ? {} : { [node.classType]: nodeInfo(node, inventory) });
    })
    .add('GET', '/embeddings', () => json([]))
    .add('GET', '/extensions', () => json([]))
    .add('GET', '/models', () => json(MODEL_FOLDERS))
    .add('GET', '/models/{folder}', ({ params }) => {
      const folder = params['folder'] ?? '';
      if (!MODEL_FOLDERS.includes(folder)) return empty(404);
      return json(folder === 'checkpoints' ? inventory.checkpoints : folder === 'loras' ? inventory.loras : []);
    });
}
