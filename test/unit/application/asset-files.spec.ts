import { AssetFiles } from '../../../src/application/assets/asset-files';
import type { CollectedFile } from '../../../src/domain/job/job';
import { JobSession } from '../../../src/application/jobs/job-session';
import { newJob } from '../../../src/domain/job/job-state';
import { Timing } from '../../../src/options/timing';
import { TempFiles } from '../../../src/shared/temp-files/temp-files';
import { NEVER, randomFile } from '../../storage/files';
import { inFolder, type StoragePlace } from '../../storage/places';
import { freshDatabase } from '../../store/opened';
import { inMemory } from '../../store/places';
import { collected } from '../../support/collected';

describe('the bytes of a file that several callers need at once', () => {
  const database = freshDatabase(inMemory);
  let place: StoragePlace;
  let files: AssetFiles;
  let session: JobSession;
  let file: CollectedFile;

  beforeEach(async () => {
    place = await inFolder();
    files = new AssetFiles(place.storage, database.current.assets, new TempFiles({ memory: 1_000_000 }), new Timing());
    session = new JobSession(newJob({ id: 'id', workflow: {}, queuedAt: Date.now() }), () => undefined);
    session.hold();
    const stored = randomFile(1_000);
    await place.storage.put(stored, NEVER);
    const { sha256, sizeBytes, mediaType } = stored;
    file = { ...collected(), sha256, sizeBytes, mediaType };
  });

  afterEach(async () => {
    session.release();
    await place.remove();
  });

  const reads = (open: jest.SpyInstance) => open.mock.calls.filter(([sha256]) => sha256 === file.sha256);

  it('are read once', async () => {
    const open = jest.spyOn(place.storage, 'open');
    await Promise.all([1, 2, 3].map(() => files.hold(session, file, NEVER)));
    expect(reads(open)).toHaveLength(1);
    expect(session.holdsBytesOf(file)).toBe(true);
  });

  it('are read once, also after a failed read', async () => {
    const open = jest.spyOn(place.storage, 'open');
    const missing = files.hold(session, { ...file, sha256: 'f'.repeat(64) }, NEVER);
    const holds = [1, 2].map(() => files.hold(session, file, NEVER));
    await expect(missing).rejects.toMatchObject({ code: 'output_missing' });
    await Promise.all(holds);
    expect(reads(open)).toHaveLength(1);
  });

  it('are read once, also during a read that started after a failed one', async () => {
    const open = jest.spyOn(place.storage, 'open');
    const missing = files.hold(session, { ...file, sha256: 'f'.repeat(64) }, NEVER).catch(() => undefined);
    const first = files.hold(session, file, NEVER);
    await missing;
    await files.hold(session, file, NEVER);
    await first;
    expect(reads(open)).toHaveLength(1);
  });
});
