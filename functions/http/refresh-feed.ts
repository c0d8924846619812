import { type HttpRequest, type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `POST /api/feeds/{name}/refresh`: asks for a refresh of one feed; the timer does it within a minute. */
export async function refreshFeed(request: HttpRequest): Promise<HttpResponseInit> {
  return answering(async () => {
    const { requestRefresh } = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const { feeds } = await services();
    const requested = await requestRefresh(await feeds(), request.params['name'] ?? '');
    return { status: 202, jsonBody: requested };
  });
}

app.http('refreshFeed', {
  methods: ['POST'],
  route: 'feeds/{name}/refresh',
  authLevel: 'function',
  handler: refreshFeed,
});
