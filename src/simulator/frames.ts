/** Binary frames: all integers are big-endian and the first is the event type. */
import { dumpJson } from './python-json';

const PREVIEW_IMAGE = 1;
const TEXT = 3;
const PREVIEW_IMAGE_WITH_METADATA = 4;
const JPEG = 1;

const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Without the ids of its prompt and node. */
export const previewFrame = (jpeg: Buffer): Buffer => Buffer.concat([uint32(PREVIEW_IMAGE), uint32(JPEG), jpeg]);

/** For clients that sent the feature flag `supports_preview_metadata`. */
export function previewWithMetadataFrame(jpeg: Buffer, ids: { nodeId: string; promptId: string }): Buffer {
  const metadata = Buffer.from(
    dumpJson({
      node_id: ids.nodeId,
      prompt_id: ids.promptId,
      display_node_id: ids.nodeId,
      parent_node_id: null,
      real_node_id: ids.nodeId,
      image_type: 'image/jpeg',
    }),
  );
  return Buffer.concat([uint32(PREVIEW_IMAGE_WITH_METADATA), uint32(metadata.length), metadata, jpeg]);
}

export function textFrame(nodeId: string, text: string): Buffer {
  const id = Buffer.from(nodeId);
  return Buffer.concat([uint32(TEXT), uint32(id.length), id, Buffer.from(text)]);
}
