import { describeCalls } from './calls.contract';
import { describeEndings } from './endings.contract';
import type { TestedTransport } from './tested-transport';
import { describeStreams } from './streams.contract';

const transport: TestedTransport = {
  address: () => ({ transport: 'tcp', url: 'tcp://127.0.0.1:0' }),
  unusedAddress: () => ({ transport: 'tcp', url: 'tcp://127.0.0.1:1' }),
  reportsAbsence: true,
  reportsCrash: true,
};

describe('over TCP', () => {
  describeCalls(transport);
  describeStreams(transport);
  describeEndings(transport);
});
