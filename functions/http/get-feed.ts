import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/feeds/{name}`: one feed, with the earlier states that can be gone back to. */
export async function getFeed(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { showFeed } = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const { feeds } = await services();
    return { jsonBody: await showFeed(await feeds(), request.params['name'] ?? '') };
  });
}

app.http('getFeed', {
  methods: ['GET'],
  route: 'feeds/{name}',
  authLevel: 'function',
  handler: getFeed,
});
