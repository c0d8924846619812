import { type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/hunts`: the hunts that were asked for lately, the latest first. */
export async function listHunts(): Promise<HttpResponseInit> {
  return answering(async () => {
    const { listHunts: list } = await import('../../shared/pipeline/hunt/requested-hunts.ts');
    return { jsonBody: { value: await list((await services()).hunts) } };
  });
}

app.http('listHunts', {
  methods: ['GET'],
  route: 'hunts',
  authLevel: 'function',
  handler: listHunts,
});
