import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { TestedTransport } from './tested-transport';
import { onServer } from './on-server';
import { describeReplicas } from './replicas.contract';
import { describeStreams } from './streams.contract';

onServer('TEST_REDIS_URL', 'Redis', '.ci/redis', (url) => {
  const transport: TestedTransport = {
    address: () => ({ transport: 'redis', url }),
    unusedAddress: () => ({ transport: 'redis', url }),
    reportsAbsence: false,
    reportsCrash: false,
  };
  describeCalls(transport);
  describeStreams(transport);
  describeEndings(transport);
  describeReplicas(transport, { broadcasts: true });
});
