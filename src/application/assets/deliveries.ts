import { Injectable } from '@nestjs/common';
import type { LiveJob } from '../live-job';
import { PictureConversions } from '../pictures/picture-conversions';
import { AssetFiles } from './asset-files';
import { AssetLinks } from './asset-links';
import { Delivery, type DeliveryTools, type DeliveryWish } from './delivery';

/** Hands the files of jobs to callers, as bytes or links, converted or as they were made. */
@Injectable()
export class Deliveries {
  readonly #tools: DeliveryTools;

  constructor(files: AssetFiles, links: AssetLinks, conversions: PictureConversions) {
    this.#tools = { files, links, conversions };
  }

  /** For one caller, who holds the job and ends the delivery before letting go of it. */
  begin(live: LiveJob, wish: DeliveryWish): Delivery {
    if (wish.withBytes || wish.picture) live.needsBytes = true;
    return new Delivery(live, wish, this.#tools);
  }
}
