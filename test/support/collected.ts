import { createHash, randomUUID } from 'node:crypto';
import type { CollectedFile } from '../../src/domain/job/job';

/** A collected image of three bytes; `fields` replace its fields. */
export function collected(fields: Partial<CollectedFile> = {}): CollectedFile {
  const filename = fields.filename ?? 'a.png';
  return {
    assetId: randomUUID(),
    sha256: createHash('sha256').update(filename).digest('hex'),
    nodeId: '9',
    filename,
    subfolder: '',
    type: 'output',
    mediaType: 'image/png',
    sizeBytes: 3,
    ...fields,
  };
}
