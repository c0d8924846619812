import { type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `POST /api/feeds/refresh`: asks for a refresh of every enabled feed; the timer does it within a minute. */
export async function refreshFeeds(): Promise<HttpResponseInit> {
  return answering(async () => {
    const { requestRefresh } = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const { feeds } = await services();
    return { status: 202, jsonBody: await requestRefresh(await feeds(), null) };
  });
}

app.http('refreshFeeds', {
  methods: ['POST'],
  route: 'feeds/refresh',
  authLevel: 'function',
  handler: refreshFeeds,
});
