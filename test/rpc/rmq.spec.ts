import { randomUUID } from 'node:crypto';
import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { TestedTransport } from './tested-transport';
import { onServer } from './on-server';
import { describeReplicas } from './replicas.contract';
import { describeStreams } from './streams.contract';

onServer('TEST_RMQ_URL', 'RabbitMQ', '.ci/rabbitmq', (url) => {
  const address = () => ({ transport: 'rmq', url, queue: `spec-${randomUUID()}` }) as const;
  const transport: TestedTransport = { address, unusedAddress: address, reportsAbsence: false, reportsCrash: false };
  describeCalls(transport);
  describeStreams(transport);
  describeEndings(transport);
  describeReplicas(transport, { broadcasts: false });
});
