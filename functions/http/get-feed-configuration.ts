import { type HttpResponseInit, app } from '@azure/functions';
import { answering } from '../../shared/format/http-problem.ts';
import { services } from '../../shared/wiring.ts';

/** `GET /api/feed-configuration`: the file as it was written, with its ETag; without one when there is none yet. */
export async function getFeedConfiguration(): Promise<HttpResponseInit> {
  return answering(async () => {
    const { showConfiguration } =
      await import('../../shared/pipeline/feeds/operate/manage-configuration.ts');
    const { feeds } = await services();
    const { value, etag } = await showConfiguration((await feeds()).configuration);
    return { ...(etag === null ? {} : { headers: { etag } }), jsonBody: value };
  });
}

app.http('getFeedConfiguration', {
  methods: ['GET'],
  route: 'feed-configuration',
  authLevel: 'function',
  handler: getFeedConfiguration,
});
