import type { AbandonedPrompt } from '../../src/application/backends/lease-repository';
import { NOON } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** The abandoned prompts of `LeaseRepository`. */
export function describeAbandonedPrompts(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const leases = () => database.current.leases;
  const prompt = (promptId: string, backend: string, abandonedAt = NOON): AbandonedPrompt => ({
    promptId,
    backend,
    jobId: 'job-1',
    abandonedAt,
  });

  it('are found by backend until they are settled, oldest first', async () => {
    const [a, b, c] = [prompt('a', 'http://one', NOON + 1), prompt('b', 'http://two'), prompt('c', 'http://one')];
    for (const each of [a, b, c]) await leases().abandon(each);
    expect(await leases().abandonedOn('http://one')).toEqual([c, a]);
    await leases().settle('a');
    expect(await leases().abandonedOn('http://one')).toEqual([c]);
    expect(await leases().abandonedOn('http://two')).toEqual([b]);
    expect(await leases().abandonedOn('http://three')).toEqual([]);
  });

  it('may be abandoned and settled twice', async () => {
    await leases().abandon(prompt('a', 'http://one'));
    await leases().abandon(prompt('a', 'http://one', NOON + 1));
    expect(await leases().abandonedOn('http://one')).toEqual([prompt('a', 'http://one')]);
    await leases().settle('a');
    await leases().settle('a');
    expect(await leases().abandonedOn('http://one')).toEqual([]);
  });
}
