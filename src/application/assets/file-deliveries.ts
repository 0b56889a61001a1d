import { Injectable } from '@nestjs/common';
import type { JobSession } from '../jobs/job-session';
import { ImageConversions } from './images/image-conversions';
import { AssetFiles } from './asset-files';
import { AssetLinks } from './asset-links';
import { FileDelivery, type DeliveryTools, type DeliveryOptions } from './file-delivery';

/** Hands the files of jobs to callers, as bytes or links, converted or as they were made. */
@Injectable()
export class FileDeliveries {
  readonly #tools: DeliveryTools;

  constructor(files: AssetFiles, links: AssetLinks, conversions: ImageConversions) {
    this.#tools = { files, links, conversions };
  }

  /** For one caller, who holds the job and ends the delivery before letting go of it. */
  begin(session: JobSession, options: DeliveryOptions): FileDelivery {
    if (options.withBytes || options.picture) session.needsBytes = true;
    return new FileDelivery(session, options, this.#tools);
  }
}
