import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { TestedTransport } from './tested-transport';
import { onServer } from './on-server';
import { describeReplicas } from './replicas.contract';
import { describeStreams } from './streams.contract';

onServer('TEST_NATS_URL', 'NATS', '.ci/nats', (url) => {
  const transport: TestedTransport = {
    address: () => ({ transport: 'nats', url }),
    unusedAddress: () => ({ transport: 'nats', url }),
    reportsAbsence: true,
    reportsCrash: false,
    hasSizeLimit: true,
  };
  describeCalls(transport);
  describeStreams(transport);
  describeEndings(transport);
  describeReplicas(transport, { broadcasts: true });
});
