import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { MeetingPlace } from './meeting-place';
import { describeStreams } from './streams.contract';

const place: MeetingPlace = {
  address: () => ({ transport: 'tcp', url: 'tcp://127.0.0.1:0' }),
  nowhere: () => ({ transport: 'tcp', url: 'tcp://127.0.0.1:1' }),
  tellsAbsence: true,
  tellsDeath: true,
};

describe('over TCP', () => {
  describeCalls(place);
  describeStreams(place);
  describeEndings(place);
});
