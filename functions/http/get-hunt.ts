import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/hunts/{id}`: how far a hunt is, and what it has found. */
export async function getHunt(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { showHunt } = await import('../../shared/pipeline/hunt/requested-hunts.ts');
    return { jsonBody: await showHunt((await services()).hunts, request.params['id'] ?? '') };
  });
}

app.http('getHunt', {
  methods: ['GET'],
  route: 'hunts/{id}',
  authLevel: 'function',
  handler: getHunt,
});
