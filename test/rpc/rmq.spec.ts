import { randomUUID } from 'node:crypto';
import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { MeetingPlace } from './meeting-place';
import { onServer } from './on-server';
import { describeReplicas } from './replicas.contract';
import { describeStreams } from './streams.contract';

onServer('TEST_RMQ_URL', 'RabbitMQ', '.ci/rabbitmq', (url) => {
  const address = () => ({ transport: 'rmq', url, queue: `spec-${randomUUID()}` }) as const;
  const place: MeetingPlace = { address, nowhere: address, tellsAbsence: false, tellsDeath: false };
  describeCalls(place);
  describeStreams(place);
  describeEndings(place);
  describeReplicas(place, { tellsAll: false });
});
