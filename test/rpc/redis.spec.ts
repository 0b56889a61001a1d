import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { MeetingPlace } from './meeting-place';
import { onServer } from './on-server';
import { describeReplicas } from './replicas.contract';
import { describeStreams } from './streams.contract';

onServer('TEST_REDIS_URL', 'Redis', '.ci/redis', (url) => {
  const place: MeetingPlace = {
    address: () => ({ transport: 'redis', url }),
    nowhere: () => ({ transport: 'redis', url }),
    tellsAbsence: false,
    tellsDeath: false,
  };
  describeCalls(place);
  describeStreams(place);
  describeEndings(place);
  describeReplicas(place, { tellsAll: true });
});
