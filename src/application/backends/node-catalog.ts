/** The node classes that a ComfyUI server knows. */
export abstract class NodeCatalog {
  /** Asks the server. @throws ComfyUIError as `ComfyUIClient` */
  abstract nodeClasses(signal?: AbortSignal): Promise<ReadonlySet<string>>;
}
