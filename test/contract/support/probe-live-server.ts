/** Jest's global setup for a real server: finds a checkpoint, and fails if the server is unreachable. */
export default async function probe(): Promise<void> {
  const { COMFYUI_BASE_URL: url, COMFYUI_USERNAME: username, COMFYUI_PASSWORD: password } = process.env;
  if (!url) throw new Error('COMFYUI_BASE_URL must name a running ComfyUI server');
  const credentials = Buffer.from(`${username}:${password}`).toString('base64');
  const headers: Record<string, string> = username && password ? { Authorization: `Basic ${credentials}` } : {};
  const response = await fetch(`${url.replace(/\/$/, '')}/object_info/CheckpointLoaderSimple`, { headers });
  if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  const info = (await response.json()) as {
    CheckpointLoaderSimple?: { input: { required: { ckpt_name: [string[]] } } };
  };
  process.env.CONTRACT_CHECKPOINT = info.CheckpointLoaderSimple?.input.required.ckpt_name[0][0] ?? '';
}
