import { type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/feeds`: every configured feed with its state, counts and refusals. */
export async function listFeeds(): Promise<HttpResponseInit> {
  return answering(async () => {
    const manage = await import('../../shared/pipeline/feeds/operate/manage-feeds.ts');
    const { feeds } = await services();
    return { jsonBody: { value: await manage.listFeeds(await feeds()) } };
  });
}

app.http('listFeeds', {
  methods: ['GET'],
  route: 'feeds',
  authLevel: 'function',
  handler: listFeeds,
});
