import type { AbandonedPrompt } from '../../src/application/backends/abandoned-prompts';
import { NOON } from './jobs';
import { freshDatabase } from './opened';
import type { Place } from './places';

/** What `AbandonedPrompts` promises. */
export function describeAbandonedPrompts(makePlace: () => Promise<Place>): void {
  const database = freshDatabase(makePlace);
  const prompts = () => database.current.prompts;
  const prompt = (promptId: string, backend: string): AbandonedPrompt => ({
    promptId,
    backend,
    jobId: 'job-1',
    abandonedAt: NOON,
  });

  it('are told by server until they are removed', async () => {
    const [a, b, c] = [prompt('a', 'http://one'), prompt('b', 'http://two'), prompt('c', 'http://one')];
    for (const each of [a, b, c]) await prompts().add(each);
    expect(await prompts().of('http://one')).toEqual([a, c]);
    await prompts().remove('a');
    expect(await prompts().of('http://one')).toEqual([c]);
    expect(await prompts().of('http://two')).toEqual([b]);
    expect(await prompts().of('http://three')).toEqual([]);
  });

  it('may be added and removed twice', async () => {
    await prompts().add(prompt('a', 'http://one'));
    await prompts().add({ ...prompt('a', 'http://one'), abandonedAt: NOON + 1 });
    expect(await prompts().of('http://one')).toEqual([prompt('a', 'http://one')]);
    await prompts().remove('a');
    await prompts().remove('a');
    expect(await prompts().of('http://one')).toEqual([]);
  });
}
