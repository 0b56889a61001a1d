/** What a ComfyUI server remembers of finished prompts. */
export abstract class PromptHistory {
  /** Makes it forget one. The files stay. @throws ComfyUIError as `ComfyUIClient` */
  abstract forget(promptId: string, signal?: AbortSignal): Promise<void>;
}
