import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { MeetingPlace } from './meeting-place';
import { onServer } from './on-server';
import { describeReplicas } from './replicas.contract';
import { describeStreams } from './streams.contract';

onServer('TEST_NATS_URL', 'NATS', '.ci/nats', (url) => {
  const place: MeetingPlace = {
    address: () => ({ transport: 'nats', url }),
    nowhere: () => ({ transport: 'nats', url }),
    tellsAbsence: true,
    tellsDeath: false,
    isNarrow: true,
  };
  describeCalls(place);
  describeStreams(place);
  describeEndings(place);
  describeReplicas(place, { tellsAll: true });
});
