import { freemem, totalmem } from 'node:os';
import { Protocol } from '../options';
import { json } from './replies';
import { Router } from './router';

const GIBIBYTE = 1024 ** 3;

/** `/system_stats`, which states in every text field that the server is simulated. */
function systemStats(protocol: Protocol): Record<string, unknown> {
  const memory = { vram_total: 8 * GIBIBYTE, vram_free: 6 * GIBIBYTE, torch_vram_total: 0, torch_vram_free: 0 };
  return {
    system: {
      os: protocol === '0.38' ? 'linux' : 'posix',
      ram_total: totalmem(),
      ram_free: freemem(),
      comfyui_version: protocol === '0.38' ? '0.38.1' : '0.3.64',
      required_frontend_version: '1.27.10',
      installed_templates_version: null,
      required_templates_version: '0.1.95',
      python_version: `none (simulated by Node.js ${process.version})`,
      pytorch_version: 'none (simulated)',
      embedded_python: false,
      argv: ['simulator'],
      simulated: true,
    },
    devices: [{ name: 'simulated (no GPU)', type: 'cpu', index: null, ...memory }],
    simulated: true,
  };
}

export function features(protocol: Protocol, maxUploadSize: number): Record<string, unknown> {
  const common = { supports_preview_metadata: true, max_upload_size: maxUploadSize };
  if (protocol === '0.3.64') return common;
  return { ...common, supports_model_type_tags: true, node_replacements: true, assets: false };
}

export function addSystemRoutes(router: Router, protocol: Protocol, maxUploadSize: number): void {
  router
    .add('GET', '/system_stats', () => json(systemStats(protocol)))
    .add('GET', '/features', () => json(features(protocol, maxUploadSize)))
    .add('GET', '/settings', () => json({}))
    .add('GET', '/users', () => json({ storage: 'server', migrated: false }))
    .add('GET', '/', () => ({
      status: 200,
      headers: { 'Content-Type': 'text/html; charset=utf-8' },
      body: '<!doctype html><title>ComfyUI simulator</title><h1>ComfyUI simulator</h1><p>No GPU, no models, no editor: only the protocol.\n',
    }));
}
